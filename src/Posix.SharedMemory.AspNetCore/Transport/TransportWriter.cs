using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;

namespace Posix.SharedMemory.AspNetCore;

/// <summary>What the server writes to. Where the client has gone, a flush says that nothing more is read, which is what the server expects, instead of an exception.</summary>
internal sealed class TransportWriter(TransportStream stream) : PipeWriter
{
    /// <summary>How many bytes are collected for one message, at least.</summary>
    private const int LeastPiece = 16 << 10;

    private readonly PipeWriter _bytes = Create(stream, new StreamPipeWriterOptions(minimumBufferSize: LeastPiece, leaveOpen: true));
    private bool _isCompleted;
    private Exception? _error;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _bytes.UnflushedBytes;

    public override void Advance(int bytes) => _bytes.Advance(bytes);

    public override Memory<byte> GetMemory(int sizeHint = 0) => _bytes.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => _bytes.GetSpan(sizeHint);

    public override void CancelPendingFlush() => _bytes.CancelPendingFlush();

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await _bytes.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ConnectionResetException or ConnectionAbortedException)
        {
            return new(isCanceled: false, isCompleted: true);
        }
    }

    /// <summary>Nothing more will be written. <see cref="FinishAsync"/> sends what is left: this never waits.</summary>
    public override void Complete(Exception? exception = null)
    {
        if (!_isCompleted)
        {
            (_isCompleted, _error) = (true, exception);
        }
    }

    /// <summary>Sends what is left, unless the server has given up what it wrote, and gives the memory back.</summary>
    /// <returns>Whether the client gets all that was written.</returns>
    internal async ValueTask<bool> FinishAsync(CancellationToken cancellationToken)
    {
        var isWhole = _error is null;
        if (isWhole && _bytes.UnflushedBytes > 0)
        {
            try
            {
                isWhole = await FlushAsync(cancellationToken).ConfigureAwait(false) is { IsCompleted: false, IsCanceled: false };
            }
            catch (OperationCanceledException)
            {
                isWhole = false;
            }
        }

        // With an error nothing is sent any more: only the memory is given back.
        await _bytes.CompleteAsync(_error ?? new ConnectionAbortedException()).ConfigureAwait(false);
        return isWhole;
    }
}
