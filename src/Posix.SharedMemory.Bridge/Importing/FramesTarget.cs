using System.Buffers;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>
/// A frame channel that an import publishes. Long frames are put together in a slot. One whose readers have no room for it, although they lose nothing, keeps its slot until they have.
/// </summary>
internal sealed class FramesTarget : ImportTarget
{
    private readonly FrameChannel _channel;
    private readonly FrameWriter _writer;
    private Frame? _built;
    private Frame? _held;
    private long _heldSequence;
    private bool _isHeldSent;

    internal FramesTarget(FrameChannel channel)
    {
        _channel = channel;
        (Former, _writer) = OpenOrDispose(channel, () =>
        {
            // A publisher that follows another one begins with an object of its own.
            using var line = new ImportLine(channel.Memory, MessagesAt);
            return (line.Last, channel.OpenWriter(Writing));
        });
    }

    internal override SharedMemoryObject Memory => _channel.Memory;

    internal override int MaxMessageLength => _writer.MaxFrameLength;

    internal override (ulong Epoch, long Sequence)? Former { get; }

    /// <inheritdoc/>
    /// <remarks>What is held, or was sent since it had to wait, is the oldest message that waits, unless newer ones have taken its place.</remarks>
    internal override bool TryWrite(in ReadOnlySequence<byte> message, in MessageMark mark)
    {
        if (_heldSequence == mark.Sequence && (_isHeldSent || _held is not null))
        {
            return _isHeldSent ? Forget() : TrySendHeld();
        }

        Forget();
        if (!_writer.TryLoan((int)message.Length, out var frame))
        {
            return false;
        }

        message.CopyTo(frame.Span);
        (_held, _heldSequence) = (Mark(frame, mark), mark.Sequence);
        return TrySendHeld();
    }

    internal override void BeginLife() => Forget();

    internal override bool HasWritten(long sequence) => _isHeldSent && _heldSequence == sequence;

    internal override async ValueTask<bool> WaitToWriteAsync(int length, CancellationToken cancellationToken)
    {
        if (_held is { } held)
        {
            await _writer.SendAsync(held, cancellationToken).ConfigureAwait(false);
            (_held, _isHeldSent) = (null, true);
        }
        else if (!_isHeldSent)
        {
            (await _writer.LoanAsync(length, cancellationToken).ConfigureAwait(false)).Dispose();
        }

        return true;
    }

    internal override bool TryBuild(int length, out Memory<byte> building)
    {
        var isLoaned = _writer.TryLoan(length, out _built);
        building = isLoaned ? _built!.Memory : default;
        return isLoaned;
    }

    internal override bool TrySend(int length, in MessageMark mark)
    {
        var isSent = TrySend(Mark(_built!, mark));
        _built = isSent ? null : _built;
        return isSent;
    }

    internal override void Cancel()
    {
        _built?.Dispose();
        _built = null;
    }

    internal override void Complete(int error) => _writer.Complete(error);

    public override void Dispose()
    {
        // Frames that were not sent go with their writer.
        _writer.Dispose();
        _channel.Dispose();
    }

    private static Frame Mark(Frame frame, in MessageMark mark)
    {
        (frame.Type, frame.Header) = (mark.Type, mark.Frame);
        return frame;
    }

    /// <summary>Sends a frame, if no reader that loses nothing is behind.</summary>
    private bool TrySend(Frame frame)
    {
        try
        {
            _writer.Send(frame, TimeSpan.Zero);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private bool TrySendHeld() => TrySend(_held!) && Forget();

    /// <summary>Nothing is held any more.</summary>
    private bool Forget()
    {
        _held?.Dispose();
        (_held, _isHeldSent) = (null, false);
        return true;
    }
}
