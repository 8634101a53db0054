using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>A reader of a <see cref="FrameChannel"/>: it reads frames where they are, and gives them back. It is for one thread at a time; frames may be read and disposed on any.</summary>
/// <remarks>
/// <para>
/// The bytes of the slots are mapped for reading only. A reader may hold several frames; each keeps its slot from the publisher until it is disposed. What it holds when it is disposed itself is
/// given back, and what it held when its process died as well.
/// </para>
/// <para>
/// A publisher that was restarted begins with another object under the same name. With <see cref="PeerRestart.Wait"/> a wait moves to it; with <see cref="PeerRestart.Fail"/> the loss is
/// reported once, and the next wait moves on. Frames that are held stay readable. Without a name there is nothing to move to.
/// </para>
/// <para>
/// All members but <see cref="Writer"/>, <see cref="Missed"/>, <see cref="PeerChanged"/> and <see cref="Completion"/> throw <see cref="InvalidOperationException"/> while another call is under way;
/// <see cref="ObjectDisposedException"/> after <see cref="Dispose"/>; <see cref="ChannelCorruptException"/> if the publisher stored what no correct publisher stores; and
/// <see cref="ChannelException"/> once the publisher has evicted it (<see cref="FrameWriter.Evict"/>).
/// </para>
/// </remarks>
public sealed class FrameReader : IDisposable
{
    private readonly FrameTaking _taking;

    internal FrameReader(FrameTaking taking)
    {
        _taking = taking;
        taking.Owner = this;
    }

    /// <summary>The publisher was opened, was closed, or died. Raised on the thread pool, at once. What a handler throws ends the process, as on any thread of the pool.</summary>
    public event EventHandler<PeerChangedEventArgs>? PeerChanged
    {
        add => _taking.PeerChanged += value;
        remove => _taking.PeerChanged -= value;
    }

    /// <summary>Gets what has become of the publisher.</summary>
    public PeerState Writer => _taking.Peer;

    /// <summary>
    /// Gets a task that completes when the publisher has completed the channel and this reader has read everything. It fails with <see cref="ChannelException"/> if the publisher ended it
    /// with an error, or has evicted this reader, and with <see cref="ChannelCorruptException"/>. The death of a publisher does not complete it: another one may come.
    /// </summary>
    public Task Completion => _taking.Completion;

    /// <summary>Gets how many frames it missed since it was opened: those that were dropped. It is known with the next frame that arrives.</summary>
    public long Missed => _taking.Missed;

    /// <summary>Gets how many frames are waiting to be read.</summary>
    public int Available => _taking.Available;

    /// <summary>Gets the longest frame, in bytes.</summary>
    public int MaxFrameLength => _taking.MaxLength;

    /// <summary>Takes the next frame, if there is one.</summary>
    /// <param name="frame">The frame, to be disposed.</param>
    /// <returns>False: there is none now. It does not look for the next publisher; waits do.</returns>
    public bool TryRead([NotNullWhen(true)] out Frame? frame) => _taking.TryRead(out frame);

    /// <summary>Takes the next frame, waiting for it if there is none. No thread waits.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidOperationException">The publisher has completed the channel, and everything was read.</exception>
    /// <inheritdoc cref="WaitToReadAsync"/>
    public ValueTask<Frame> ReadAsync(CancellationToken cancellationToken = default) => _taking.ReadAsync(cancellationToken);

    /// <summary>Waits until there is a frame. No thread waits.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False: the channel was completed, and everything was read.</returns>
    /// <exception cref="PeerDiedException">The publisher's process died, and all that it sent was read; reported once. Not with <see cref="PeerRestart.Wait"/>.</exception>
    /// <exception cref="PeerLeftException">The publisher was closed without completing the channel, and all that it sent was read; reported once. Not with <see cref="PeerRestart.Wait"/>.</exception>
    /// <exception cref="ChannelException">The publisher ended the channel with an error, and everything was read; or it has evicted this reader.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EAGAIN"/>: the next publisher's object has as many readers as it can have; and others of <see cref="FrameChannel.Open"/>.</exception>
    /// <exception cref="InvalidDataException">The name is that of something else by now.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) => _taking.WaitAsync(0, cancellationToken);

    /// <summary>Blocks until there is a frame.</summary>
    /// <param name="timeout">Not negative, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <returns>False: the time is up; or the channel was completed and everything was read, and then <see cref="Completion"/> has completed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
    /// <exception cref="PeerDiedException">As <see cref="WaitToReadAsync"/>.</exception>
    /// <exception cref="PeerLeftException">As <see cref="WaitToReadAsync"/>.</exception>
    /// <exception cref="ChannelException">As <see cref="WaitToReadAsync"/>.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="WaitToReadAsync"/>.</exception>
    /// <exception cref="InvalidDataException">As <see cref="WaitToReadAsync"/>.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/futex.2.html">futex(2)</see></remarks>
    public bool WaitToRead(TimeSpan timeout) => _taking.Wait(0, timeout) == EndLook.Ready;

    /// <summary>All frames, until the channel was completed and everything was read. Each is given back when the next is asked for.</summary>
    /// <inheritdoc cref="WaitToReadAsync"/>
    public async IAsyncEnumerable<Frame> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await _taking.WaitAsync(0, cancellationToken).ConfigureAwait(false))
        {
            while (_taking.TryRead(out var frame))
            {
                try
                {
                    yield return frame;
                }
                finally
                {
                    frame.Dispose();
                }
            }
        }
    }

    /// <summary>Leaves: what it holds, and what waits for it, goes back to the publisher.</summary>
    public void Dispose() => _taking.Dispose();
}
