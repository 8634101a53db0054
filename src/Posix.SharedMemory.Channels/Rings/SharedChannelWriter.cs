using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace Posix.SharedMemory.Channels;

/// <summary>The writing end of a <see cref="SharedChannel{T}"/>. It is for one thread at a time.</summary>
/// <remarks>A second call while one is under way is an <see cref="InvalidOperationException"/>, as is writing after completion.</remarks>
/// <example>
/// <code><![CDATA[
/// using var quotes = SharedChannel.Open<double>("quotes");
/// using var writer = quotes.OpenWriter(new() { Label = "feed" });
/// writer.PeerChanged += (_, change) => Console.WriteLine($"the reader: {change.Peer.State}");
/// if (writer.Reader == PeerState.Alive)
/// {
///     await writer.WriteAsync(1.5);
/// }
///
/// writer.Complete();
/// ]]></code>
/// </example>
public sealed class SharedChannelWriter<T> : ChannelWriter<T>, IDisposable
    where T : unmanaged
{
    private readonly RingWriter _ring;

    internal SharedChannelWriter(RingWriter ring)
    {
        _ring = ring;
        ring.Owner = this;
    }

    /// <summary>The reader was opened, was closed, or died. Raised on the thread pool, at once.</summary>
    public event EventHandler<PeerChangedEventArgs>? PeerChanged
    {
        add => _ring.PeerChanged += value;
        remove => _ring.PeerChanged -= value;
    }

    /// <summary>Gets what has become of the reader.</summary>
    public PeerState Reader => _ring.Peer;

    /// <summary>Writes an element, if there is room for it.</summary>
    /// <returns>False: there is no room now, or the channel was completed.</returns>
    /// <exception cref="ChannelCorruptException">The reader stored what no correct reader stores.</exception>
    public override bool TryWrite(T item) =>
        _ring.Act != EndAct.Completed && _ring.TryWrite(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in item)), 0);

    /// <summary>Writes as many elements as there is room for; the reader is shown them together.</summary>
    /// <returns>How many were written, from the first; 0 if the channel was completed.</returns>
    /// <exception cref="ChannelCorruptException">The reader stored what no correct reader stores.</exception>
    public int TryWrite(ReadOnlySpan<T> items)
    {
        if (_ring.Act == EndAct.Completed)
        {
            return 0;
        }

        var ticket = _ring.Borrow(EndAct.Batch);
        var written = 0;
        while (written < items.Length && _ring.TryAdd(MemoryMarshal.AsBytes(items.Slice(written, 1)), 0))
        {
            written++;
        }

        _ring.Return(ticket);
        return written;
    }

    /// <summary>Waits until there is room for an element. No thread waits.</summary>
    /// <returns>False: the channel was completed, or the reader will take no more.</returns>
    /// <exception cref="PeerDiedException">There is no room, and the reader's process died. Thrown once for each reader, and not with <see cref="PeerRestart.Wait"/>.</exception>
    /// <exception cref="PeerLeftException">There is no room, and the reader has left. Thrown as above.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public override ValueTask<bool> WaitToWriteAsync(CancellationToken cancellationToken = default) =>
        _ring.Act == EndAct.Completed ? new(false) : _ring.WaitAsync(_ring.MaxMessage, cancellationToken);

    /// <summary>Blocks until there is room for an element.</summary>
    /// <returns>False: the time is up, or the reader will take no more.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
    /// <exception cref="PeerDiedException">As <see cref="WaitToWriteAsync"/>.</exception>
    /// <exception cref="PeerLeftException">As <see cref="WaitToWriteAsync"/>.</exception>
    public bool WaitToWrite(TimeSpan timeout) => _ring.Wait(_ring.MaxMessage, timeout) == EndLook.Ready;

    /// <summary>Ends the channel: the reader drains it, and then sees the end.</summary>
    /// <param name="error">The reader gets its <see cref="Exception.HResult"/> as <see cref="ChannelException.Error"/>; <see langword="null"/>: none.</param>
    /// <returns>False: it was completed already.</returns>
    public override bool TryComplete(Exception? error = null)
    {
        if (_ring.Act == EndAct.Completed)
        {
            return false;
        }

        _ring.Complete(error is null ? 0 : error.HResult == 0 ? -1 : error.HResult);
        return true;
    }

    /// <summary>Leaves without completing: another writer may go on.</summary>
    public void Dispose() => _ring.Dispose();
}
