namespace Posix.SharedMemory.Threading;

/// <summary>A word of this process alone. Every sleeper names it, so that a cancellation or a death makes all of them look again.</summary>
internal sealed class News(Kernel kernel)
{
    // A cache line of its own, and some before it: pinned, so that it has an address as long as this object lives.
    private readonly uint[] _line = GC.AllocateArray<uint>(48, pinned: true);

    private const int Place = 16;

    internal Kernel Kernel { get; } = kernel;

    internal uint Read() => Volatile.Read(ref _line[Place]);

    /// <summary>Adds the word to a sleep, with the value it had before the attempt.</summary>
    internal unsafe void AddTo(ref SleepList list, uint value) =>
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        list.AddPrivate(Word, value);

    /// <summary>Makes all sleepers look again.</summary>
    internal unsafe void Tell()
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        Interlocked.Increment(ref _line[Place]);
        Kernel.Wake(Word, int.MaxValue, isPrivate: true);
        GC.KeepAlive(this);
    }

    private unsafe uint* Word
    {
        get
        {
            // SAFETY: the array is pinned for life, and every sleeper references this object.
            fixed (uint* word = &_line[Place])
            {
                return word;
            }
        }
    }
}
