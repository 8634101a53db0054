namespace Posix.SharedMemory.Bridge;

/// <summary>A channel that its writers fill up and the bridge empties, and whose control page says which sequence the next message has.</summary>
internal abstract class CountedSource : ExportSource
{
    private readonly SequenceLine _line;
    private readonly RingPressure _pressure;
    private long _next;

    /// <param name="memory">The channel.</param>
    /// <param name="capacity">How many bytes its ring has.</param>
    protected CountedSource(SharedMemoryObject memory, long capacity)
    {
        _line = new(memory);
        try
        {
            _pressure = new(memory, capacity);
        }
        catch
        {
            _line.Dispose();
            throw;
        }

        _next = _line.Next;
    }

    internal sealed override long Next => _next;

    internal sealed override long MayStay(long used) => _pressure.MayStay(used);

    internal sealed override bool TryRead(Span<byte> destination, out int length, out MessageMark mark)
    {
        _line.Note(_next);
        var isRead = TryCopy(destination, out length, out var type);
        mark = new(_next, type);
        _next += isRead ? 1 : 0;
        return isRead;
    }

    internal sealed override bool TryDrop()
    {
        _line.Note(_next);
        var isDropped = TryRelease();
        _next += isDropped ? 1 : 0;
        return isDropped;
    }

    public override void Dispose()
    {
        _pressure.Dispose();
        _line.Dispose();
    }

    /// <inheritdoc cref="ExportSource.TryRead"/>
    protected abstract bool TryCopy(Span<byte> destination, out int length, out ushort type);

    /// <inheritdoc cref="ExportSource.TryDrop"/>
    protected abstract bool TryRelease();
}
