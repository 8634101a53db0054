using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;

namespace Posix.SharedMemory.AspNetCore;

/// <summary>The bytes of a connection, with the exceptions by which the server recognises that the client has gone, or that it has given the connection up itself. What is read is a copy: the client can no longer change it.</summary>
internal sealed class TransportStream(MessageConnection connection) : Stream
{
    /// <summary>The most that is written in one piece, which is sent as a whole or not at all: of a smaller ring, as much as it takes in one message.</summary>
    private const int MostPiece = 64 << 10;

    private readonly Stream _bytes = connection.AsStream();
    private readonly int _piece = (int)Math.Min(MostPiece, connection.Output.Capacity / 8);
    private int _alreadySent;
    private ConnectionAbortedException? _abortion;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Ends the connection at once, from any thread: pending reads and writes end, and the client sees that it was cut.</summary>
    internal void Abort(ConnectionAbortedException reason)
    {
        Interlocked.CompareExchange(ref _abortion, reason, null);
        connection.Dispose();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await _bytes.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (IsEnd(e))
        {
            throw Ended(e);
        }
    }

    /// <summary>Writes bytes. One that was cancelled is tried again with the same bytes, and perhaps more: what was sent of them is not sent twice.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            while (_alreadySent < buffer.Length)
            {
                var piece = Math.Min(buffer.Length - _alreadySent, _piece);
                await _bytes.WriteAsync(buffer.Slice(_alreadySent, piece), cancellationToken).ConfigureAwait(false);
                _alreadySent += piece;
            }

            _alreadySent = 0;
        }
        catch (Exception e) when (IsEnd(e))
        {
            throw Ended(e);
        }
    }

    /// <summary>What was written can be read already.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Completes what was written, so that the client reads to the end, and closes the connection.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _bytes.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Whether it is the end of the connection: the client's, or this side's, which also ends calls that have begun (InvalidOperationException).</summary>
    private static bool IsEnd(Exception e) => e is ChannelException or InvalidOperationException;

    private Exception Ended(Exception e) =>
        _abortion is { } reason ? new ConnectionAbortedException(reason.Message, reason)
        : e is ChannelException ? new ConnectionResetException(e.Message, e)
        : new ConnectionAbortedException("The connection was closed on this side, or the client reads no more.", e);
}
