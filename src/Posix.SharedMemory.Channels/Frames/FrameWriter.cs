using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory.Channels;

/// <summary>The publisher of a <see cref="FrameChannel"/>: it loans a slot, fills it where it is, and sends it to all readers. It is for one thread at a time; frames may be disposed on any.</summary>
/// <remarks>
/// <para>
/// Which reader holds which slot only this object knows. What a reader held whose process died is free again the next time that a slot is needed, or a frame sent. A reader that is stopped, or holds
/// frames for long, keeps those slots; <see cref="Evict"/> takes them back.
/// </para>
/// <para>
/// All members but <see cref="Readers"/>, <see cref="Evict"/>, <see cref="PeerChanged"/> and <see cref="MaxFrameLength"/> throw <see cref="InvalidOperationException"/> while another call is under way,
/// and after <see cref="Complete"/>; <see cref="ObjectDisposedException"/> after <see cref="Dispose"/>; and <see cref="ChannelCorruptException"/> if the roster was overwritten. A reader
/// that stores what no correct reader stores is evicted.
/// </para>
/// </remarks>
public sealed class FrameWriter : IDisposable
{
    private readonly FrameSending _sending;

    internal FrameWriter(FrameSending sending)
    {
        _sending = sending;
        sending.Owner = this;
    }

    /// <summary>A reader was opened, was closed, or died. Raised on the thread pool, at once. What a handler throws ends the process, as on any thread of the pool.</summary>
    public event EventHandler<PeerChangedEventArgs>? PeerChanged
    {
        add => _sending.PeerChanged += value;
        remove => _sending.PeerChanged -= value;
    }

    /// <summary>Gets what can be seen of the readers now: those that were ever opened. One that is just being opened is not there yet: messages reach those that are alive here.</summary>
    public IReadOnlyList<EndpointInfo> Readers => _sending.Describe();

    /// <summary>Gets the longest frame, in bytes: the largest slot.</summary>
    public int MaxFrameLength => _sending.MaxLength;

    /// <summary>Returns how many slots are free now that have room for a frame.</summary>
    /// <param name="length">The frame's length in bytes.</param>
    /// <exception cref="ArgumentException">The length is more than <see cref="MaxFrameLength"/>, or negative.</exception>
    public int CountFree(int length = 0) => _sending.CountFree(length);

    /// <summary>Loans a slot to be filled, if one is free: of the smallest class that has one, and is long enough. Its bytes are those of an earlier frame.</summary>
    /// <param name="length">How many bytes the frame will have; <see cref="Frame.Length"/> changes it.</param>
    /// <param name="frame">To be sent, or disposed.</param>
    /// <returns>False: readers, or loans that were not sent, hold every slot that is long enough.</returns>
    /// <exception cref="ArgumentException">The length is more than <see cref="MaxFrameLength"/>, or negative.</exception>
    public bool TryLoan(int length, [NotNullWhen(true)] out Frame? frame) => _sending.TryLoan(length, out frame);

    /// <summary>Loans a slot, and blocks while none is free.</summary>
    /// <param name="length">As in <see cref="TryLoan"/>.</param>
    /// <param name="timeout"><see langword="null"/>: as long as it takes.</param>
    /// <exception cref="TimeoutException">The time is up.</exception>
    /// <exception cref="ArgumentException">The length is more than <see cref="MaxFrameLength"/>, or negative; or the timeout is negative.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/futex.2.html">futex(2)</see></remarks>
    public Frame Loan(int length, TimeSpan? timeout = null) => _sending.Loan(length, timeout);

    /// <summary>Loans a slot, waiting for one if none is free. No thread waits.</summary>
    /// <param name="length">As in <see cref="TryLoan"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">The length is more than <see cref="MaxFrameLength"/>, or negative.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask<Frame> LoanAsync(int length, CancellationToken cancellationToken = default) => _sending.LoanAsync(length, cancellationToken);

    /// <summary>Sends a frame to all readers; it must not be used afterwards. Blocks while a reader with <see cref="FrameOverflow.Wait"/> has no room for it.</summary>
    /// <param name="frame">One that was loaned from this writer.</param>
    /// <returns>How many readers it was sent to. None: its slot is free again.</returns>
    /// <exception cref="ArgumentException">The frame is not one of this writer's.</exception>
    /// <exception cref="ObjectDisposedException">The frame was sent or disposed.</exception>
    public int Send(Frame frame) => _sending.Send(frame, Timeout.InfiniteTimeSpan);

    /// <summary>Sends a frame as <see cref="Send(Frame)"/>, and blocks no longer than a timeout.</summary>
    /// <param name="frame">One that was loaned from this writer.</param>
    /// <param name="timeout">Not negative, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <returns>How many readers it was sent to.</returns>
    /// <exception cref="TimeoutException">The time is up; no reader got the frame, and it is still the caller's.</exception>
    /// <exception cref="ArgumentException">The frame is not one of this writer's, or the timeout is negative.</exception>
    /// <exception cref="ObjectDisposedException">The frame was sent or disposed.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/futex.2.html">futex(2)</see></remarks>
    public int Send(Frame frame, TimeSpan timeout) => _sending.Send(frame, timeout);

    /// <summary>Sends a frame as <see cref="Send(Frame)"/>; no thread waits.</summary>
    /// <param name="frame">One that was loaned from this writer; it must not be used until the task has ended.</param>
    /// <param name="cancellationToken">Ends the wait; no reader got the frame then, and it is still the caller's.</param>
    /// <returns>How many readers it was sent to.</returns>
    /// <exception cref="ArgumentException">The frame is not one of this writer's.</exception>
    /// <exception cref="ObjectDisposedException">The frame was sent or disposed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask<int> SendAsync(Frame frame, CancellationToken cancellationToken = default) => _sending.SendAsync(frame, cancellationToken);

    /// <summary>
    /// Sends a reader nothing more, and takes back what it holds, at once: what it is just reading can be overwritten. Its calls fail with <see cref="ChannelException"/> from then on. For one
    /// that is stopped, or never gives anything back. Any thread may call it, also while the writer waits.
    /// </summary>
    /// <param name="endpoint">The reader's <see cref="EndpointInfo.Index"/>. If it is not open, nothing changes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The channel has no such reader.</exception>
    public void Evict(int endpoint) => _sending.Evict(endpoint);

    /// <summary>Ends the channel: readers read what was sent, and then see the end. Final; no writer can be opened any more.</summary>
    /// <param name="error">0, or a number that <see cref="ChannelException.Error"/> returns to the readers.</param>
    public void Complete(int error = 0) => _sending.Complete(error);

    /// <summary>Leaves without completing: another writer may go on, with an object of its own. Frames that were not sent are dropped.</summary>
    public void Dispose() => _sending.Dispose();
}
