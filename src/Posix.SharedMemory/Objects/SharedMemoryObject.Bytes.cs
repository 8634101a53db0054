using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

public sealed partial class SharedMemoryObject
{
    /// <summary>Copies bytes out of the object. It does not fault, whatever other processes do to the object.</summary>
    /// <param name="destination">Where to copy them; as many as fit.</param>
    /// <param name="offset">The first byte to copy.</param>
    /// <returns>How many were copied: fewer at the end of the object, 0 past it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The offset is negative.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EINVAL"/>: an object of huge pages on a kernel that cannot read them.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/pread.2.html">pread(2)</see></remarks>
    public int Read(Span<byte> destination, long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return Platform.Mapping.Read(Target, destination, offset);
    }

    /// <summary>Copies bytes into the object: all of them, or none and an exception. It never makes the object longer.</summary>
    /// <param name="source">The bytes.</param>
    /// <param name="offset">Where to put the first one.</param>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes would lie outside the object.</exception>
    /// <exception cref="InvalidOperationException">The object was opened for reading.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOSPC"/>, <see cref="Errno.ENOMEM"/>: the object is sparse there and there is not enough memory.
    /// <see cref="Errno.EFBIG"/>: past <c>RLIMIT_FSIZE</c>, which the kernel applies inside the object too. <see cref="Errno.EPERM"/>: sealed.
    /// </exception>
    /// <remarks>
    /// If another process shortens the object between the check of its length and the copy, Linux makes it
    /// longer again, and FreeBSD fails with <see cref="Errno.ENXIO"/>. <see href="https://man7.org/linux/man-pages/man2/pwrite.2.html">pwrite(2)</see>
    /// </remarks>
    public void Write(ReadOnlySpan<byte> source, long offset) => Writing.Write(source, offset);

    /// <summary>Copies bytes from a file, a pipe or another memory object into this one, inside the kernel where it can (<c>copy_file_range</c>, <c>splice</c>). It never makes the object longer.</summary>
    /// <param name="source">A descriptor open for reading; the bytes come from its current position.</param>
    /// <param name="offset">Where to put the first one.</param>
    /// <param name="count">How many; by default, as many as fit up to the end of the object.</param>
    /// <returns>How many were copied: fewer if the source has no more, or is non-blocking and has no more now.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes would lie outside the object.</exception>
    /// <exception cref="InvalidOperationException">The object was opened for reading.</exception>
    /// <exception cref="SharedMemoryException">
    /// As <see cref="Write"/>, but what was copied before a failure stays; <see cref="Errno.EBADF"/>: the source is not open for reading; <see cref="Errno.EISDIR"/>, <see cref="Errno.EIO"/>: the source is a directory, or its device failed;
    /// <see cref="Errno.EAGAIN"/>: the source is non-blocking and had no bytes at all.
    /// </exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/copy_file_range.2.html">copy_file_range(2)</see></remarks>
    public long CopyFrom(SafeFileHandle source, long offset = 0, long? count = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ObjectDisposedException.ThrowIf(source.IsClosed, source);
        _descriptor.RequireWritable();
        return new CopyIn(_descriptor, Writing).Run(source, _descriptor.CheckRange(offset, count));
    }

    /// <summary>Copies bytes to a socket, pipe, file or other memory object, inside the kernel where it can (<c>sendfile</c>).</summary>
    /// <param name="destination">A descriptor open for writing; the bytes go to its current position. While a non-blocking one is full, the call waits.</param>
    /// <param name="offset">The first byte to copy.</param>
    /// <param name="count">How many; by default, up to the end.</param>
    /// <returns>How many were copied: fewer only if another process shortened the object meanwhile.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes lie outside the object.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EPIPE"/>, <see cref="Errno.ECONNRESET"/>: the reader is gone. <see cref="Errno.EBADF"/>: not open for writing.
    /// <see cref="Errno.ENOSPC"/>, <see cref="Errno.EIO"/>: the destination is full, or its device failed. <see cref="Errno.EFBIG"/>: the file would end past <c>RLIMIT_FSIZE</c>; then nothing is copied.
    /// </exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/sendfile.2.html">sendfile(2)</see></remarks>
    public long CopyTo(SafeHandle destination, long offset = 0, long? count = null)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ObjectDisposedException.ThrowIf(destination.IsClosed, destination);
        return new CopyOut(_descriptor).Run(destination, _descriptor.CheckRange(offset, count));
    }

    /// <summary>Copies bytes to a stream socket, inside the kernel where it can, without blocking a thread while the socket is full.</summary>
    /// <param name="destination">A connected stream socket.</param>
    /// <param name="offset">The first byte to copy.</param>
    /// <param name="count">How many; by default, up to the end.</param>
    /// <param name="cancellationToken">Ends the wait for a full socket; some bytes may have been sent.</param>
    /// <returns>How many were copied: fewer only if another process shortened the object meanwhile.</returns>
    /// <exception cref="ArgumentException">Not a stream socket: on others the pieces would become messages.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes lie outside the object.</exception>
    /// <exception cref="SocketException">The connection failed.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EPIPE"/>, <see cref="Errno.ECONNRESET"/>: the reader is gone.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/sendfile.2.html">sendfile(2)</see></remarks>
    /// <example>
    /// <code>
    /// await socket.SendAsync(BitConverter.GetBytes(memory.Length), cancellationToken);
    /// await memory.CopyToAsync(socket, cancellationToken: cancellationToken);
    /// </code>
    /// </example>
    public ValueTask<long> CopyToAsync(Socket destination, long offset = 0, long? count = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (destination.SocketType != SocketType.Stream)
        {
            throw new ArgumentException("The socket is not a stream: the pieces would become messages.", nameof(destination));
        }

        return new CopyOut(_descriptor).RunAsync(destination, _descriptor.CheckRange(offset, count), cancellationToken);
    }

    private ObjectWriting Writing => new(_descriptor);
}
