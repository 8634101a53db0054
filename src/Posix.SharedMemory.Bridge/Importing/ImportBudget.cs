namespace Posix.SharedMemory.Bridge;

/// <summary>How many bytes the rings of all imports may have together. Safe for several threads.</summary>
internal sealed class ImportBudget(long most)
{
    private long _taken;
    private volatile bool _isShort;

    /// <summary>Gets whether the last import that wanted to begin was refused: what can be done without gives way.</summary>
    internal bool IsShort => _isShort;

    /// <summary>There are as many imports as there can be.</summary>
    internal void Press() => _isShort = true;

    /// <summary>Takes the bytes of a ring, if there are as many.</summary>
    internal bool TryTake(long bytes)
    {
        var fits = Interlocked.Add(ref _taken, bytes) <= most;
        if (!fits)
        {
            Give(bytes);
        }

        _isShort = !fits;
        return fits;
    }

    /// <summary>Gives the bytes of a ring back.</summary>
    internal void Give(long bytes) => Interlocked.Add(ref _taken, -bytes);
}
