namespace Posix.SharedMemory;

/// <summary>A part of a mapping as a stream. It holds the bytes until it is disposed or collected, and is never longer than they are.</summary>
/// <remarks>All it does is copying, so that the asynchronous members complete at once, on the caller's thread.</remarks>
internal sealed class MappingStream : Stream
{
    /// <summary>What is given to another stream at once.</summary>
    private const int Piece = 1 << 30;

    private readonly MappingHold _hold;
    private readonly FileAccess _access;
    private long _position;
    private bool _isDisposed;

    /// <summary>Takes over a hold of the whole range.</summary>
    internal MappingStream(MappingHold hold, FileAccess access)
    {
        _hold = hold;
        _access = access;
    }

    public override bool CanRead => !_isDisposed && _access != FileAccess.Write;

    public override bool CanSeek => !_isDisposed;

    public override bool CanWrite => !_isDisposed && _access != FileAccess.Read;

    public override long Length
    {
        get
        {
            ThrowIfDisposed();
            return _hold.Length;
        }
    }

    public override long Position
    {
        get
        {
            ThrowIfDisposed();
            return _position;
        }

        set
        {
            ThrowIfDisposed();
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _position = value;
        }
    }

    public override int ReadByte()
    {
        var one = default(byte);
        return Read(new Span<byte>(ref one)) == 0 ? -1 : one;
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Read(buffer.AsSpan(offset, count));
    }

    public override int Read(Span<byte> buffer)
    {
        RequireReadable();
        var count = (int)Math.Min(Remaining, buffer.Length);
        if (count > 0)
        {
            // Another thread may dispose the stream meanwhile.
            using var lease = _hold.Acquire();
            lease.GetReadOnlySpan(_position, count).CopyTo(buffer);
            _position += count;
        }

        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken)
        : WhyNotReadable() is { } refusal ? ValueTask.FromException<int>(refusal)
        : ValueTask.FromResult(Read(buffer.Span));

    public override IAsyncResult BeginRead(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state) =>
        TaskToAsyncResult.Begin(ReadAsync(buffer, offset, count, CancellationToken.None), callback, state);

    public override int EndRead(IAsyncResult asyncResult) => TaskToAsyncResult.End<int>(asyncResult);

    public override void CopyTo(Stream destination, int bufferSize)
    {
        ValidateCopyToArguments(destination, bufferSize);
        RequireReadable();
        while (Remaining > 0)
        {
            using var lease = _hold.Acquire();
            var piece = lease.GetReadOnlySpan(_position, (int)Math.Min(Remaining, Piece));
            destination.Write(piece);
            _position += piece.Length;
        }
    }

    public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        ValidateCopyToArguments(destination, bufferSize);
        RequireReadable();
        return cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken) : CopyPiecesAsync(destination, cancellationToken);
    }

    public override void WriteByte(byte value) => Write([value]);

    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (WhyNotWritable(buffer.Length) is { } refusal)
        {
            throw refusal;
        }

        if (!buffer.IsEmpty)
        {
            using var lease = _hold.Acquire();
            buffer.CopyTo(lease.GetSpan(_position, buffer.Length));
            _position += buffer.Length;
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        if (WhyNotWritable(buffer.Length) is { } refusal)
        {
            return ValueTask.FromException(refusal);
        }

        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override IAsyncResult BeginWrite(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state) =>
        TaskToAsyncResult.Begin(WriteAsync(buffer, offset, count, CancellationToken.None), callback, state);

    public override void EndWrite(IAsyncResult asyncResult) => TaskToAsyncResult.End(asyncResult);

    public override long Seek(long offset, SeekOrigin origin)
    {
        ThrowIfDisposed();
        var from = origin switch
        {
            SeekOrigin.Begin => 0,
            SeekOrigin.Current => _position,
            SeekOrigin.End => _hold.Length,
            _ => throw new ArgumentException("The origin is not defined by the enumeration.", nameof(origin)),
        };
        if (offset < -from)
        {
            throw new IOException($"Position {(Int128)from + offset} lies before the start of the stream.");
        }

        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, long.MaxValue - from);
        return _position = from + offset;
    }

    /// <summary>Refused: the object's length is not a stream's to change.</summary>
    public override void SetLength(long value)
    {
        ThrowIfDisposed();
        throw new NotSupportedException("A stream over mapped memory has a fixed length. Set the object's length, refresh the mapping, and open another stream.");
    }

    /// <summary>Does nothing: other processes see the bytes at once, and <see cref="MemoryMapping.Flush()"/> writes a file's to its device.</summary>
    public override void Flush() => ThrowIfDisposed();

    public override Task FlushAsync(CancellationToken cancellationToken)
    {
        ThrowIfDisposed();
        return cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken) : Task.CompletedTask;
    }

    protected override void Dispose(bool disposing)
    {
        _isDisposed = true;
        if (disposing)
        {
            // Otherwise the hold has a finalizer of its own.
            _hold.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task CopyPiecesAsync(Stream destination, CancellationToken cancellationToken)
    {
        while (Remaining > 0)
        {
            // Held again: the destination may still be reading when the stream is disposed.
            var length = (int)Math.Min(Remaining, Piece);
            using var piece = new MappedReadOnlyMemory(_hold.Hold(_position, length));
            await destination.WriteAsync(piece.Memory, cancellationToken).ConfigureAwait(false);
            _position += length;
        }
    }

    private long Remaining => Math.Max(0, _hold.Length - _position);

    private void RequireReadable()
    {
        if (WhyNotReadable() is { } refusal)
        {
            throw refusal;
        }
    }

    private Exception? WhyNotReadable() =>
        _isDisposed ? new ObjectDisposedException(nameof(Stream))
        : CanRead ? null
        : new NotSupportedException("The stream was opened for writing only.");

    private Exception? WhyNotWritable(int count) =>
        _isDisposed ? new ObjectDisposedException(nameof(Stream))
        : !CanWrite ? new NotSupportedException("The stream was opened for reading only.")
        : count > Remaining && count > 0
            ? new NotSupportedException($"{count} bytes do not fit at position {_position}: the stream has {_hold.Length} bytes, and does not grow.")
        : null;

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_isDisposed, this);
}
