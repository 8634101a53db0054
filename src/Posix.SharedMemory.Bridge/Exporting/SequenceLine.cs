namespace Posix.SharedMemory.Bridge;

/// <summary>
/// Line E of a message channel: which sequence the record at a position has, so that a bridge that takes over from one that was killed goes on counting exactly. The page is docs/spec/bridge/bridge.md.
/// </summary>
internal sealed class SequenceLine : IDisposable
{
    private const int HeadAt = 384, MessagesAt = 392, LineAt = 2176, FirstPair = 16, SecondPair = 48, PageSize = 4096;

    private readonly MemoryMapping _page;
    private uint _which;

    internal SequenceLine(SharedMemoryObject memory)
    {
        _page = memory.Map(0, PageSize);
        // SYNC bridge.sequence: pairs with Note. The pair that is valid is whole.
        _which = Volatile.Read(in Word<uint>(LineAt));
    }

    /// <summary>Gets the sequence of the record that the reader reads next.</summary>
    internal long Next
    {
        get
        {
            var pair = LineAt + (_which == 2 ? SecondPair : FirstPair);
            var head = Volatile.Read(in Word<ulong>(HeadAt));
            var noted = Volatile.Read(in Word<ulong>(pair + 8));
            // A reader stores its count before its head: the count is exact, unless it was killed between the two, and then the line has the record at the head.
            var next = _which is 1 or 2 && Volatile.Read(in Word<ulong>(pair)) == head ? noted : Volatile.Read(in Word<ulong>(MessagesAt)) + 1;
            return next is > 0 and < long.MaxValue ? (long)next : 1;
        }
    }

    /// <summary>Notes the sequence of the record at the head, before it is released.</summary>
    internal void Note(long sequence)
    {
        var which = _which == 1 ? 2u : 1u;
        var pair = LineAt + (which == 2 ? SecondPair : FirstPair);
        Word<ulong>(pair) = Volatile.Read(in Word<ulong>(HeadAt));
        Word<ulong>(pair + 8) = (ulong)sequence;
        // SYNC bridge.sequence: pairs with the constructor. A bridge that reads which pair is valid, also after this process was killed, reads the whole pair.
        Volatile.Write(ref Word<uint>(LineAt), which);
        _which = which;
    }

    public void Dispose() => _page.Dispose();

    private ref T Word<T>(int at)
        where T : unmanaged => ref _page.GetReference<T>(at);
}
