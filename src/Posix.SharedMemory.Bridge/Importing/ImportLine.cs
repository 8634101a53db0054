namespace Posix.SharedMemory.Bridge;

/// <summary>
/// Line I of a ring that an import writes: which message of which life was written last, so that the import that follows one that was killed goes on exactly. The page is docs/spec/bridge/bridge.md.
/// </summary>
internal sealed class ImportLine : IDisposable
{
    private const int LineAt = 2048, FirstPair = 16, SecondPair = 48, SequenceInPair = 8, TailInPair = 16, PageSize = 4096;

    private readonly MemoryMapping _page;
    private readonly int _tailAt;
    private uint _which;

    /// <param name="memory">The channel.</param>
    /// <param name="tailAt">Where the word is in it that is another after each message.</param>
    internal ImportLine(SharedMemoryObject memory, int tailAt)
    {
        _tailAt = tailAt;
        _page = memory.Map(0, PageSize);
        // SYNC bridge.imported: pairs with Note. The pair that is valid is whole.
        _which = Volatile.Read(in Word<uint>(LineAt));
    }

    /// <summary>Gets the last message that is in the ring, or was, and its life; <see langword="null"/>: the ring has had none.</summary>
    internal (ulong Epoch, long Sequence)? Last
    {
        get
        {
            var pair = LineAt + (_which == 2 ? SecondPair : FirstPair);
            var (epoch, sequence) = (Word<ulong>(pair), Word<long>(pair + SequenceInPair));
            if (_which is not (1 or 2) || epoch == 0 || sequence is < 1 or long.MaxValue)
            {
                return null;
            }

            // The writer moves the tail past a message when it is whole: it was killed before, or after.
            return (epoch, Volatile.Read(in Word<ulong>(_tailAt)) != Word<ulong>(pair + TailInPair) ? sequence : sequence - 1);
        }
    }

    /// <summary>The sequence of the last message of a life that is in the ring, or was; <see langword="null"/>: the ring has had none of it.</summary>
    internal long? LastOf(ulong epoch) => Last is { } last && last.Epoch == epoch ? last.Sequence : null;

    /// <summary>Notes which message is written next, before it is.</summary>
    internal void Note(ulong epoch, long sequence)
    {
        var which = _which == 1 ? 2u : 1u;
        var pair = LineAt + (which == 2 ? SecondPair : FirstPair);
        Word<ulong>(pair) = epoch;
        Word<long>(pair + SequenceInPair) = sequence;
        Word<ulong>(pair + TailInPair) = Volatile.Read(in Word<ulong>(_tailAt));
        // SYNC bridge.imported: pairs with the constructor. An import that reads which pair is valid, also after this process was killed, reads the whole pair.
        Volatile.Write(ref Word<uint>(LineAt), which);
        _which = which;
    }

    public void Dispose() => _page.Dispose();

    private ref T Word<T>(int at)
        where T : unmanaged => ref _page.GetReference<T>(at);
}
