using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// A connection as a stream of bytes: what is written is cut into messages, whose bounds nobody sees. Read and write are independent of each other; each is for one thread at a time.
/// </summary>
internal sealed class ConnectionStream : Stream
{
    private readonly MessageConnection _connection;
    private readonly RingWriter _output;
    private readonly RingReader _input;
    private readonly int _piece;
    private RingRecord _record;
    private int _ticket;
    private int _passed;
    private volatile bool _isDisposed;

    internal ConnectionStream(MessageConnection connection)
    {
        _connection = connection;
        (_output, _input) = (connection.Output.Ring, connection.Input.Ring);
        _piece = PieceOf(_output);
    }

    public override bool CanRead => !_isDisposed;

    public override bool CanWrite => !_isDisposed;

    public override bool CanSeek => false;

    public override long Length => throw NoPosition();

    public override long Position
    {
        get => throw NoPosition();
        set => throw NoPosition();
    }

    /// <summary>How many bytes go into one message: a quarter of the ring, so that the peer reads while the next ones are written.</summary>
    internal static int PieceOf(RingWriter output) => Math.Min(output.MaxMessage, (int)(output.Header.Capacity / 4) - output.Header.Prefix);

    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Read(buffer.AsSpan(offset, count));
    }

    public override int Read(Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        while (!HasBytes())
        {
            if (_input.Wait(0, Timeout.InfiniteTimeSpan) == EndLook.Ended)
            {
                return 0;
            }
        }

        return Take(buffer);
    }

    public override int ReadByte()
    {
        Span<byte> one = stackalloc byte[1];
        return Read(one) == 0 ? -1 : one[0];
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<int>(cancellationToken);
        }

        try
        {
            return HasBytes() ? new(Take(buffer.Span)) : ReadWhenReadyAsync(buffer, cancellationToken);
        }
        catch (Exception e) when (e is IOException)
        {
            return ValueTask.FromException<int>(e);
        }
    }

    public override void CopyTo(Stream destination, int bufferSize)
    {
        ValidateCopyToArguments(destination, bufferSize);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        do
        {
            while (HasBytes())
            {
                destination.Write(Rest().Span);
                Pass();
            }
        }
        while (_input.Wait(0, Timeout.InfiniteTimeSpan) != EndLook.Ended);
    }

    public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        ValidateCopyToArguments(destination, bufferSize);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        do
        {
            while (HasBytes())
            {
                // In place: what was written goes on without a copy of our own.
                await destination.WriteAsync(Rest(), cancellationToken).ConfigureAwait(false);
                Pass();
            }
        }
        while (await _input.WaitAsync(0, cancellationToken).ConfigureAwait(false));
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        RequirePeer();
        while (!buffer.IsEmpty)
        {
            var piece = buffer[..Math.Min(buffer.Length, _piece)];
            if (!_output.TryWrite(piece, 0))
            {
                _output.WaitAndWrite(piece, 0, null);
            }

            buffer = buffer[piece.Length..];
        }
    }

    public override void WriteByte(byte value) => Write([value]);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        try
        {
            RequirePeer();
            while (!buffer.IsEmpty)
            {
                var piece = Math.Min(buffer.Length, _piece);
                if (!_output.TryWrite(buffer.Span[..piece], 0))
                {
                    return WriteWhenReadyAsync(buffer, cancellationToken);
                }

                buffer = buffer[piece..];
            }

            return default;
        }
        catch (IOException e)
        {
            return ValueTask.FromException(e);
        }
    }

    /// <summary>What was written can be read already.</summary>
    public override void Flush() => ObjectDisposedException.ThrowIf(_isDisposed, this);

    public override Task FlushAsync(CancellationToken cancellationToken)
    {
        Flush();
        return cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken) : Task.CompletedTask;
    }

    public override long Seek(long offset, SeekOrigin origin) => throw NoPosition();

    public override void SetLength(long value) => throw NoPosition();

    public override IAsyncResult BeginRead(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state) =>
        TaskToAsyncResult.Begin(ReadAsync(buffer, offset, count, CancellationToken.None), callback, state);

    public override int EndRead(IAsyncResult asyncResult) => TaskToAsyncResult.End<int>(asyncResult);

    public override IAsyncResult BeginWrite(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state) =>
        TaskToAsyncResult.Begin(WriteAsync(buffer, offset, count, CancellationToken.None), callback, state);

    public override void EndWrite(IAsyncResult asyncResult) => TaskToAsyncResult.End(asyncResult);

    /// <summary>Completes what was written, so that the peer reads to the end, and closes the connection.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isDisposed)
        {
            _isDisposed = true;
            _connection.CompleteAndDispose();
        }

        base.Dispose(disposing);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadWhenReadyAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        do
        {
            if (!await _input.WaitAsync(0, cancellationToken).ConfigureAwait(false))
            {
                return 0;
            }
        }
        while (!HasBytes());
        return Take(buffer.Span);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteWhenReadyAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            var piece = Math.Min(buffer.Length, _piece);
            if (!_output.TryWrite(buffer.Span[..piece], 0))
            {
                await _output.WriteAsync(buffer[..piece], 0, cancellationToken).ConfigureAwait(false);
            }

            buffer = buffer[piece..];
        }
    }

    /// <summary>Whether there are bytes to read now: those of the message that is being read, or of the next that has any.</summary>
    private bool HasBytes()
    {
        if (_ticket != 0)
        {
            return true;
        }

        while (_input.TryBorrow(out var record, out var ticket))
        {
            if (record.Length > 0 && record.Type < ChannelLayout.FirstReservedType)
            {
                (_record, _ticket, _passed) = (record, ticket, 0);
                return true;
            }

            _input.Release(ticket);
        }

        return false;
    }

    private ReadOnlyMemory<byte> Rest() => _input.MemoryOf(_record)[_passed..];

    private int Take(Span<byte> buffer)
    {
        var bytes = _input.PayloadOf(_record)[_passed..];
        var taken = Math.Min(bytes.Length, buffer.Length);
        bytes[..taken].CopyTo(buffer);
        _passed += taken;
        if (_passed == _record.Length)
        {
            Pass();
        }

        return taken;
    }

    /// <summary>The message was read: the writer gets its room back.</summary>
    private void Pass()
    {
        _input.Release(_ticket);
        _ticket = 0;
    }

    /// <summary>The peer that has ended will not read what is written now.</summary>
    private void RequirePeer()
    {
        if (_output.Endpoint.Failure is { } failure)
        {
            throw failure;
        }

        if (_output.Peer is var state && state is (PeerState.Died or PeerState.Left))
        {
            throw _output.Loss(state);
        }
    }

    private static NotSupportedException NoPosition() => new("A connection has no position and no length.");
}
