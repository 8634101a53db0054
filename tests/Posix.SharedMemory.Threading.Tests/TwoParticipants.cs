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

    /// <summary>Enters a mutex and leaves it, whatever its owner left.</summary>
    /// <returns>Whether the owner had died.</returns>
    protected static bool Enter(SharedMutex mutex)
    {
        using var hold = mutex.EnterUnrepaired();
        if (hold.OwnerDied)
        {
            hold.MarkConsistent();
        }

        return hold.OwnerDied;
    }

    /// <summary>As <see cref="Enter"/>; no thread waits.</summary>
    protected static async Task<bool> EnterAsync(SharedMutex mutex)
    {
        using var hold = await mutex.EnterUnrepairedAsync();
        if (hold.OwnerDied)
        {
            hold.MarkConsistent();
        }

        return hold.OwnerDied;
    }

    /// <summary>What a task gives, or the watchdog's exception.</summary>
    protected static T Result<T>(Task<T> task) => task.WaitAsync(Watchdog.Limit).GetAwaiter().GetResult();

    protected virtual void Dispose(bool disposing)
    {
        Roster.Dispose();
        OtherRoster.Dispose();
        _again.Dispose();
        Memory.Dispose();
    }
}
