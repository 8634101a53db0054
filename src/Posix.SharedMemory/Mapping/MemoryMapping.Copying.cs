namespace Posix.SharedMemory;

public sealed partial class MemoryMapping
{
    /// <summary>Copies bytes out. It never faults: if another process has cut the object, it returns false.</summary>
    /// <param name="offset">The first byte, counted from the mapping's first.</param>
    /// <param name="destination">Receives the bytes; as many as it has room for.</param>
    /// <returns>False if some of the bytes are gone; the destination may then contain some of the others.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes lie outside the mapping.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EMFILE"/>, <see cref="Errno.ENFILE"/>: a filter forbids <c>process_vm_readv</c>, the object is disposed, and there is no descriptor left for a pipe.
    /// </exception>
    /// <remarks>
    /// On Linux by <see href="https://man7.org/linux/man-pages/man2/pread.2.html">pread(2)</see> while the object is not disposed; otherwise, and for private mappings and
    /// huge pages, by <see href="https://man7.org/linux/man-pages/man2/process_vm_readv.2.html">process_vm_readv(2)</see>. Copying out of a span is faster, but ends the process if another one has cut the bytes.
    /// </remarks>
    /// <example>
    /// <code><![CDATA[
    /// Span<byte> header = stackalloc byte[64];
    /// if (!map.TryRead(0, header) || !map.TryWrite(0, header))
    /// {
    ///     Console.Error.WriteLine("Another process has shortened the object.");
    /// }
    /// ]]></code>
    /// </example>
    public unsafe bool TryRead(long offset, Span<byte> destination)
    {
        using var lease = Acquire();
        // SAFETY: the lease keeps the range mapped. The kernel checks each page; where no page can go, no check is needed.
        var source = MappedBytes.Locate(_start, lease.Length, offset, destination.Length);
        if (!_range.Extent!.IsStable)
        {
            return TryReadObject(destination, Offset + offset) ?? _descriptor.Platform.Mapping.TryCopyFrom((nint)source, destination);
        }

        new ReadOnlySpan<byte>(source, destination.Length).CopyTo(destination);
        return true;
    }

    /// <summary>Copies bytes in. It never faults: if another process has cut the object, it returns false.</summary>
    /// <param name="offset">The first byte, counted from the mapping's first.</param>
    /// <param name="source">The bytes.</param>
    /// <returns>False if some of the bytes are gone; those before them may have been stored.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes lie outside the mapping.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EMFILE"/>, <see cref="Errno.ENFILE"/>: a filter forbids <c>process_vm_writev</c>, and there is no descriptor left for a pipe.
    /// </exception>
    /// <remarks>
    /// By <see href="https://man7.org/linux/man-pages/man2/process_vm_readv.2.html">process_vm_writev(2)</see>, also while the object is not disposed: <c>pwrite</c> would make an
    /// object longer again that another process has just cut.
    /// </remarks>
    public unsafe bool TryWrite(long offset, ReadOnlySpan<byte> source)
    {
        using var lease = Acquire();
        MappedBytes.RequireWritable(Access);
        // SAFETY: the lease keeps the range mapped; the kernel checks each page.
        return _descriptor.Platform.Mapping.TryCopyTo((nint)MappedBytes.Locate(_start, lease.Length, offset, source.Length), source);
    }

    /// <summary>Reads the bytes that are mapped from the object itself; <see langword="null"/> where only the mapping shows them, or the object is disposed.</summary>
    private bool? TryReadObject(Span<byte> destination, long offset) =>
        _request.Private || _request.PageSize != MemoryPage.Size ? null : _descriptor.TryRead(destination, offset);
}
