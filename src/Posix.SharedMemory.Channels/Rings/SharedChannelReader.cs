using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace Posix.SharedMemory.Channels;

/// <summary>The reading end of a <see cref="SharedChannel{T}"/>. It is for one thread at a time.</summary>
/// <remarks>A second call while one is under way is an <see cref="InvalidOperationException"/>.</remarks>
/// <example>
/// <code><![CDATA[
/// using var quotes = SharedChannel.Open<double>("quotes");
/// using var reader = quotes.OpenReader();
/// reader.PeerChanged += (_, change) => Console.WriteLine($"the feed: {change.Peer.State}");
/// if (reader.Writer == PeerState.None)
/// {
///     Console.WriteLine("The feed has not been started yet.");
/// }
///
/// await foreach (var quote in reader.ReadAllAsync())
/// {
///     Console.WriteLine(quote);
/// }
/// ]]></code>
/// </example>
public sealed class SharedChannelReader<T> : ChannelReader<T>, IDisposable
    where T : unmanaged
{
    private readonly RingReader _ring;

    internal SharedChannelReader(RingReader ring)
    {
        _ring = ring;
        ring.Owner = this;
    }

    /// <summary>The writer was opened, was closed, or died. Raised on the thread pool, at once.</summary>
    public event EventHandler<PeerChangedEventArgs>? PeerChanged
    {
        add => _ring.PeerChanged += value;
        remove => _ring.PeerChanged -= value;
    }

    /// <summary>Gets what has become of the writer.</summary>
    public PeerState Writer => _ring.Peer;

    /// <inheritdoc/>
    public override bool CanCount => true;

    /// <inheritdoc/>
    public override bool CanPeek => true;

    /// <summary>Gets how many elements are waiting to be read. Any thread may read it.</summary>
    public override int Count
    {
        get
        {
            var (head, tail) = _ring.Waiting;
            return (int)(ElementsBefore(tail) - ElementsBefore(head));
        }
    }

    /// <summary>Gets a task that completes when the writer has completed the channel and everything was read. It fails with <see cref="ChannelException"/> if the writer gave an error.</summary>
    public override Task Completion => _ring.Completion;

    /// <summary>Reads the next element, if there is one.</summary>
    /// <exception cref="ChannelCorruptException">The writer stored what no correct writer stores.</exception>
    public override bool TryRead(out T item)
    {
        _ring.Begin(EndAct.Call);
        var isFound = TryTake(out item);
        if (isFound)
        {
            _ring.Publish();
        }

        _ring.Finish(EndAct.Call);
        return isFound;
    }

    /// <summary>Reads as many elements as there are, and as there is room for; their room is given back together.</summary>
    /// <returns>How many were read.</returns>
    /// <exception cref="ChannelCorruptException">The writer stored what no correct writer stores.</exception>
    public int TryRead(Span<T> items)
    {
        _ring.Begin(EndAct.Call);
        var read = 0;
        while (read < items.Length && TryTake(out items[read]))
        {
            read++;
        }

        if (read > 0)
        {
            _ring.Publish();
        }

        _ring.Finish(EndAct.Call);
        return read;
    }

    /// <summary>Reads the next element, if there is one, and leaves it in the channel.</summary>
    /// <exception cref="ChannelCorruptException">The writer stored what no correct writer stores.</exception>
    public override bool TryPeek(out T item)
    {
        _ring.Begin(EndAct.Call);
        var isFound = TryFind(out var record);
        item = isFound ? MemoryMarshal.Read<T>(_ring.PayloadOf(record)) : default;
        _ring.Finish(EndAct.Call);
        return isFound;
    }

    /// <summary>Waits until there is an element. No thread waits.</summary>
    /// <returns>False: the channel was completed, and everything was read.</returns>
    /// <exception cref="PeerDiedException">The writer's process died, and everything it had committed was read. Thrown once for each writer, and not with <see cref="PeerRestart.Wait"/>.</exception>
    /// <exception cref="PeerLeftException">The writer has left without completing, and everything was read. Thrown as above.</exception>
    /// <exception cref="ChannelException">The writer ended the channel with an error, and everything was read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public override ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) => _ring.WaitAsync(0, cancellationToken);

    /// <summary>Blocks until there is an element.</summary>
    /// <returns>False: the time is up; or the channel was completed and everything was read.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
    /// <exception cref="PeerDiedException">As <see cref="WaitToReadAsync"/>.</exception>
    /// <exception cref="PeerLeftException">As <see cref="WaitToReadAsync"/>.</exception>
    /// <exception cref="ChannelException">As <see cref="WaitToReadAsync"/>.</exception>
    public bool WaitToRead(TimeSpan timeout) => _ring.Wait(0, timeout) == EndLook.Ready;

    /// <summary>Leaves: another reader may go on.</summary>
    public void Dispose() => _ring.Dispose();

    private bool TryTake(out T item)
    {
        if (!TryFind(out var record))
        {
            item = default;
            return false;
        }

        item = MemoryMarshal.Read<T>(_ring.PayloadOf(record));
        _ring.Advance(record);
        return true;
    }

    private bool TryFind(out RingRecord record)
    {
        var isFound = _ring.TryFind(out record);
        return !isFound || record.Length == _ring.Header.ElementSize ? isFound
            : throw _ring.Corrupt("a record's length", _ring.Header.DataOffset + (long)(record.At % (ulong)_ring.Header.Capacity), $"is {record.Length}, and the elements have {_ring.Header.ElementSize} bytes");
    }

    /// <summary>How many elements are before an index: all records are of one length, and padding comes only where the next one does not fit.</summary>
    private ulong ElementsBefore(ulong index)
    {
        var header = _ring.Header;
        var (stride, capacity) = ((ulong)ChannelLayout.RoundUp(header.Prefix + header.ElementSize, header.RecordAlign), (ulong)header.Capacity);
        return (index / capacity * (capacity / stride)) + (index % capacity / stride);
    }
}
