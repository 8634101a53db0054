using System.Buffers;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory;

/// <summary>Copies an object's bytes to a socket, pipe, file or other memory object.</summary>
internal readonly struct CopyOut(ObjectDescriptor descriptor)
{
    internal const int BufferBytes = 64 << 10;

    internal long Run(SafeHandle destination, ByteRange range)
    {
        var wire = descriptor.Platform.Wire;
        var done = 0L;
        while (done < range.Length)
        {
            var rest = new ByteRange(range.Offset + done, range.Length - done);
            var error = wire.Send(descriptor.Target, destination, rest, out var sent);
            if (error == Errno.EAGAIN)
            {
                wire.WaitUntilWritable(destination);
            }
            else if (MustGoThroughBuffer(error))
            {
                return done + CopyThroughBuffer(destination, rest);
            }
            else if (!error.IsSuccess)
            {
                throw SystemCalls.FailureOf(error, "sendfile", descriptor.Name.Text);
            }
            else if (sent == 0)
            {
                break;
            }

            done += sent;
        }

        return done;
    }

    internal async ValueTask<long> RunAsync(Socket destination, ByteRange range, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            var done = 0L;
            while (done < range.Length)
            {
                // The asynchronous send puts the socket into non-blocking mode and waits, by the runtime's own means, until
                // it takes bytes; the kernel then copies as much as there is room for.
                var piece = buffer.AsMemory(0, (int)Math.Min(buffer.Length, range.Length - done));
                piece = piece[..Read(piece.Span, range.Offset + done)];
                if (piece.IsEmpty)
                {
                    break;
                }

                for (var rest = piece; !rest.IsEmpty;)
                {
                    rest = rest[await destination.SendAsync(rest, cancellationToken).ConfigureAwait(false)..];
                }

                done += piece.Length;
                done += SendWhatFits(destination, new(range.Offset + done, range.Length - done), cancellationToken);
            }

            return done;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>
    /// Returns whether the kernel cannot copy between these two by itself: an append-only file, another kind of device, a disk, a position past 16 TiB
    /// (<see cref="Errno.EOVERFLOW"/>), a kernel without the call.
    /// </summary>
    internal static bool MustGoThroughBuffer(Errno error) =>
        error is Errno.EINVAL or Errno.EXDEV or Errno.ENOSYS or Errno.EOPNOTSUPP or Errno.EOVERFLOW;

    private int Read(Span<byte> destination, long offset) => descriptor.Platform.Mapping.Read(descriptor.Target, destination, offset);

    private long SendWhatFits(Socket destination, ByteRange range, CancellationToken cancellationToken)
    {
        var done = 0L;
        while (done < range.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var error = descriptor.Platform.Wire.Send(descriptor.Target, destination.SafeHandle, new(range.Offset + done, range.Length - done), out var sent);
            if (!error.IsSuccess && error != Errno.EAGAIN && !MustGoThroughBuffer(error))
            {
                throw SystemCalls.FailureOf(error, "sendfile", descriptor.Name.Text);
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
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
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

    private void WriteAll(SafeHandle destination, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            var error = descriptor.Platform.Wire.WriteTo(destination, source, out var written);
            if (error == Errno.EAGAIN)
            {
                descriptor.Platform.Wire.WaitUntilWritable(destination);
            }
            else if (!error.IsSuccess)
            {
                throw SystemCalls.FailureOf(error, "write", descriptor.Name.Text);
            }

            source = source[written..];
        }
    }
}
