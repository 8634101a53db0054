using System.Buffers;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

public sealed partial class SharedMemoryObject
{
    private const int CopyBufferBytes = 64 << 10;

    /// <summary>How much is copied between two looks at whether there is memory for more.</summary>
    private const long CopyStepBytes = 32 << 20;

    /// <summary>Copies bytes out of the object. It does not fault, whatever other processes do to the object.</summary>
    /// <param name="destination">Where they go; as many as fit.</param>
    /// <param name="offset">The first byte to copy.</param>
    /// <returns>How many were copied: fewer than asked at the end of the object, 0 behind it.</returns>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EINVAL"/>: an object of huge pages on a kernel that cannot read them.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/pread.2.html">pread(2)</see></remarks>
    public int Read(Span<byte> destination, long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return _platform.Mapping.Read(Target, destination, offset);
    }

    /// <summary>Copies bytes into the object: all of them, or none and an exception. It never makes the object longer.</summary>
    /// <param name="source">The bytes.</param>
    /// <param name="offset">Where the first one goes.</param>
    /// <exception cref="ArgumentOutOfRangeException">They would not all lie inside the object.</exception>
    /// <exception cref="InvalidOperationException">The object was opened for reading.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOSPC"/>, <see cref="Errno.ENOMEM"/>: the object is sparse there and the memory is not to be had.
    /// <see cref="Errno.EFBIG"/>: beyond <c>RLIMIT_FSIZE</c>, which counts inside the object too. <see cref="Errno.EPERM"/>: sealed.
    /// </exception>
    /// <remarks>
    /// Should another process shorten the object in the instant between the look at its length and the copy, Linux makes it
    /// long enough again, and FreeBSD says <see cref="Errno.ENXIO"/>. <see href="https://man7.org/linux/man-pages/man2/pwrite.2.html">pwrite(2)</see>
    /// </remarks>
    public void Write(ReadOnlySpan<byte> source, long offset)
    {
        var target = Target;
        RequireWritable();
        var extent = _platform.Backing.GetExtent(target);
        var range = ByteRange.Within(extent.Length, offset, source.Length, nameof(source));
        if (HasHugePages)
        {
            WriteThroughMapping(source, range);
            return;
        }

        // A copy into one page stores all or nothing by itself. One over several could find the memory of the second missing.
        if (range.Length > MemoryPage.Size - MemoryPage.Inside(offset) && !_platform.Backing.HasMemory(target, extent, range))
        {
            _platform.Backing.Reserve(target, range);
        }

        _platform.Mapping.Write(target, source, offset);
    }

    /// <summary>Copies bytes from a file, a pipe or another memory object into this one, inside the kernel where it can (<c>copy_file_range</c>, <c>splice</c>). It never makes the object longer.</summary>
    /// <param name="source">A descriptor open for reading; the bytes come from its present position.</param>
    /// <param name="offset">Where the first one goes.</param>
    /// <param name="count">How many; by default, as many as there is room for up to the end of the object.</param>
    /// <returns>How many were copied: fewer than asked where the source has no more, or is non-blocking and has no more now.</returns>
    /// <exception cref="ArgumentOutOfRangeException">They would not all lie inside the object.</exception>
    /// <exception cref="InvalidOperationException">The object was opened for reading.</exception>
    /// <exception cref="SharedMemoryException">
    /// As <see cref="Write"/>, but what was copied before a failure stays; <see cref="Errno.EBADF"/>: the source is not open for reading; <see cref="Errno.EISDIR"/>, <see cref="Errno.EIO"/>: of the source;
    /// <see cref="Errno.EAGAIN"/>: it is non-blocking and has had nothing at all.
    /// </exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/copy_file_range.2.html">copy_file_range(2)</see></remarks>
    public long CopyFrom(SafeFileHandle source, long offset = 0, long? count = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ObjectDisposedException.ThrowIf(source.IsClosed, source);
        RequireWritable();
        var range = CheckReadableRange(offset, count);
        var done = 0L;
        while (done < range.Length)
        {
            var step = StepThatFits(new(range.Offset + done, range.Length - done));
            var copied = ReceiveStep(source, step, done);
            done += copied;
            if (copied < step.Length)
            {
                break;
            }
        }

        return done;
    }

    /// <summary>
    /// So much of a part as the machine has memory for. Nothing is reserved, since every byte is written: that would cost a tenth of the copy. And the
    /// source may have less than there is room for.
    /// </summary>
    private ByteRange StepThatFits(ByteRange rest)
    {
        var step = rest with { Length = Math.Min(CopyStepBytes, rest.Length) };
        for (var shortage = _platform.Backing.FindShortage(Target, step, isUrgent: false); shortage is not null; shortage = _platform.Backing.FindShortage(Target, step, isUrgent: true))
        {
            step = step.Length > CopyBufferBytes ? step with { Length = step.Length / 2 } : throw shortage;
        }

        return step;
    }

    /// <param name="before">How much has been copied before this step: then a source that has nothing now is no failure.</param>
    private long ReceiveStep(SafeFileHandle source, ByteRange range, long before)
    {
        var done = 0L;
        while (done < range.Length)
        {
            var rest = new ByteRange(range.Offset + done, range.Length - done);
            var error = _platform.Wire.Receive(Target, source, rest, out var received);
            if (MustGoThroughBuffer(error) || (error.IsSuccess && received == 0))
            {
                // Of files that the kernel makes up (/proc) copy_file_range says they are empty: reading tells.
                return done + ReadThroughBuffer(source, rest, before + done);
            }

            if (error == Errno.EAGAIN && before + done > 0)
            {
                break;
            }

            done += error.IsSuccess ? received : throw new SharedMemoryException(error, "copy_file_range", Name);
        }

        return done;
    }

    /// <summary>Copies bytes to a socket, pipe, file or other memory object, inside the kernel where it can (<c>sendfile</c>).</summary>
    /// <param name="destination">A descriptor open for writing; the bytes go to its present position. It waits where a non-blocking one is full.</param>
    /// <param name="offset">The first byte to copy.</param>
    /// <param name="count">How many; by default, up to the end.</param>
    /// <returns>How many were copied: fewer than asked only where another process shortened the object meanwhile.</returns>
    /// <exception cref="ArgumentOutOfRangeException">They do not all lie inside the object.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EPIPE"/>, <see cref="Errno.ECONNRESET"/>: the reader is gone. <see cref="Errno.EBADF"/>: not open for writing.
    /// <see cref="Errno.ENOSPC"/>, <see cref="Errno.EIO"/>: of the destination. <see cref="Errno.EFBIG"/>: the file would end beyond <c>RLIMIT_FSIZE</c>; then nothing is copied.
    /// </exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/sendfile.2.html">sendfile(2)</see></remarks>
    public long CopyTo(SafeHandle destination, long offset = 0, long? count = null)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ObjectDisposedException.ThrowIf(destination.IsClosed, destination);
        var range = CheckReadableRange(offset, count);
        var done = 0L;
        while (done < range.Length)
        {
            var error = _platform.Wire.Send(Target, destination, new(offset + done, range.Length - done), out var sent);
            if (error == Errno.EAGAIN)
            {
                _platform.Wire.WaitUntilWritable(destination);
            }
            else if (MustGoThroughBuffer(error))
            {
                return done + CopyThroughBuffer(destination, new(offset + done, range.Length - done));
            }
            else if (!error.IsSuccess)
            {
                throw new SharedMemoryException(error, "sendfile", Name);
            }
            else if (sent == 0)
            {
                break;
            }

            done += sent;
        }

        return done;
    }

    /// <summary>Copies bytes to a stream socket, inside the kernel where it can, without blocking a thread while the socket is full.</summary>
    /// <param name="destination">A connected stream socket.</param>
    /// <param name="offset">The first byte to copy.</param>
    /// <param name="count">How many; by default, up to the end.</param>
    /// <param name="cancellationToken">Ends the wait for a full socket; some bytes may have been sent.</param>
    /// <returns>How many were copied: fewer than asked only where another process shortened the object meanwhile.</returns>
    /// <exception cref="ArgumentException">Not a stream socket: elsewhere the pieces would become messages.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The bytes do not all lie inside the object.</exception>
    /// <exception cref="SocketException">The connection failed.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EPIPE"/>, <see cref="Errno.ECONNRESET"/>: the reader is gone.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/sendfile.2.html">sendfile(2)</see></remarks>
    /// <example>
    /// <code>
    /// await socket.SendAsync(BitConverter.GetBytes(memory.Length), cancellationToken);
    /// await memory.CopyToAsync(socket, cancellationToken: cancellationToken);
    /// </code>
    /// </example>
    public async ValueTask<long> CopyToAsync(Socket destination, long offset = 0, long? count = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (destination.SocketType != SocketType.Stream)
        {
            throw new ArgumentException("The socket is not a stream: the pieces would become messages.", nameof(destination));
        }

        var range = CheckReadableRange(offset, count);
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBufferBytes);
        try
        {
            var done = 0L;
            while (done < range.Length)
            {
                // The asynchronous send puts the socket into non-blocking mode and waits, by the runtime's own means, until
                // it takes bytes; the kernel then copies as much as there is room for.
                var piece = buffer.AsMemory(0, (int)Math.Min(buffer.Length, range.Length - done));
                piece = piece[..Read(piece.Span, offset + done)];
                if (piece.IsEmpty)
                {
                    break;
                }

                for (var rest = piece; !rest.IsEmpty;)
                {
                    rest = rest[await destination.SendAsync(rest, cancellationToken).ConfigureAwait(false)..];
                }

                done += piece.Length;
                done += SendWhatFits(destination, new(offset + done, range.Length - done), cancellationToken);
            }

            return done;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Whether the kernel cannot copy to this destination by itself: an append-only file, another kind of device.</summary>
    private static bool MustGoThroughBuffer(Errno error) =>
        error == Errno.EINVAL || error == Errno.EXDEV || error == Errno.ENOSYS || error == Errno.EOPNOTSUPP;

    private long SendWhatFits(Socket destination, ByteRange range, CancellationToken cancellationToken)
    {
        var done = 0L;
        while (done < range.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var error = _platform.Wire.Send(Target, destination.SafeHandle, new(range.Offset + done, range.Length - done), out var sent);
            if (!error.IsSuccess && error != Errno.EAGAIN && !MustGoThroughBuffer(error))
            {
                throw new SharedMemoryException(error, "sendfile", Name);
            }

            if (sent == 0)
            {
                break;
            }

            done += sent;
        }

        return done;
    }

    private long CopyThroughBuffer(SafeHandle destination, ByteRange range)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBufferBytes);
        try
        {
            var done = 0L;
            while (done < range.Length)
            {
                var piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, range.Length - done));
                piece = piece[..Read(piece, range.Offset + done)];
                if (piece.IsEmpty)
                {
                    break;
                }

                WriteAll(destination, piece);
                done += piece.Length;
            }

            return done;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private long ReadThroughBuffer(SafeFileHandle source, ByteRange range, long before)
    {
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(CopyBufferBytes, range.Length));
        try
        {
            var done = 0L;
            while (done < range.Length)
            {
                var error = _platform.Wire.ReadFrom(source, buffer.AsSpan(0, (int)Math.Min(buffer.Length, range.Length - done)), out var read);
                if (error == Errno.EAGAIN && before + done > 0)
                {
                    break;
                }

                if (!error.IsSuccess)
                {
                    throw new SharedMemoryException(error, "read", Name);
                }

                if (read == 0)
                {
                    break;
                }

                Write(buffer.AsSpan(0, read), range.Offset + done);
                done += read;
            }

            return done;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void WriteAll(SafeHandle destination, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            var error = _platform.Wire.WriteTo(destination, source, out var written);
            if (error == Errno.EAGAIN)
            {
                _platform.Wire.WaitUntilWritable(destination);
            }
            else if (!error.IsSuccess)
            {
                throw new SharedMemoryException(error, "write", Name);
            }

            source = source[written..];
        }
    }

    /// <summary>Huge pages cannot be written by <c>pwrite</c>. Mapping takes the pages from the machine's pool, or fails.</summary>
    private void WriteThroughMapping(ReadOnlySpan<byte> source, ByteRange range)
    {
        if (range.Length == 0)
        {
            return;
        }

        using var mapping = Map(range.Offset, range.Length, new() { Access = FileAccess.ReadWrite });
        if (!mapping.TryWrite(0, source))
        {
            throw new SharedMemoryException(
                Errno.ENXIO, "mmap", Name, $"another process shortened the object below offset {range.End}, or there are no huge pages left");
        }
    }

    private ByteRange CheckReadableRange(long offset, long? count)
    {
        var length = _platform.Backing.GetLength(Target);
        return ByteRange.Within(length, offset, count ?? Math.Max(0, length - offset), nameof(count));
    }
}
