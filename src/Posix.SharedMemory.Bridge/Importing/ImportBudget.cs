namespace Posix.SharedMemory.Bridge;

/// <summary>How many bytes the rings of all imports may have together. Safe for several threads.</summary>
internal sealed class ImportBudget(long most)
{
    private long _taken;

    /// <summary>Takes the bytes of a ring, if there are as many.</summary>
    internal bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= most)
        {
            return true;
        }

        Give(bytes);
        return false;
    }

    /// <summary>Gives the bytes of a ring back.</summary>
    internal void Give(long bytes) => Interlocked.Add(ref _taken, -bytes);
}
