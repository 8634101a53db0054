namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Zeroed memory with two participants in this process, through a mapping each.</summary>
public abstract class TwoParticipants : IDisposable
{
    private readonly MemoryMapping _again;

    protected TwoParticipants()
    {
        _again = Memory.MapAgain();
        Roster = Roster.Join(Memory.Mapping);
        OtherRoster = Roster.Join(_again);
    }

    private protected Memory Memory { get; } = new();

    protected MemoryMapping Mapping => Memory.Mapping;

    protected MemoryMapping OtherMapping => _again;

    protected Roster Roster { get; }

    protected Roster OtherRoster { get; }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        Roster.Dispose();
        OtherRoster.Dispose();
        _again.Dispose();
        Memory.Dispose();
    }
}
