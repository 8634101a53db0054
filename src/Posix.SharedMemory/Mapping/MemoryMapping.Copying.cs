namespace Posix.SharedMemory;

public sealed partial class MemoryMapping
{
    /// <summary>Copies bytes out. It cannot fault: where another process has cut the object the result is false.</summary>
    /// <returns>False where some of the bytes cannot be had; the destination may then hold some of them.</returns>
    /// <exception cref="ArgumentOutOfRangeException">They are not all inside the mapping.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/process_vm_readv.2.html">process_vm_readv(2)</see>; a plain copy out of a span is faster and faults.</remarks>
    /// <example>
    /// <code><![CDATA[
    /// Span<byte> header = stackalloc byte[64];
    /// if (!map.TryRead(0, header) || !map.TryWrite(0, header))
    /// {
    ///     Console.Error.WriteLine("Somebody has cut the object off.");
    /// }
    /// ]]></code>
    /// </example>
    public unsafe bool TryRead(long offset, Span<byte> destination)
    {
        using var lease = Acquire();
        // SAFETY: the lease keeps the range mapped. The kernel checks each page; where no page can go, no check is needed.
        var source = MappedBytes.Locate(FirstByte, lease.Length, offset, destination.Length);
        if (!_range.Extent!.IsStable)
        {
            return _platform.Mapping.TryCopyFrom((nint)source, destination);
        }

        new ReadOnlySpan<byte>(source, destination.Length).CopyTo(destination);
        return true;
    }

    /// <summary>Copies bytes in. It cannot fault: where another process has cut the object the result is false.</summary>
    /// <returns>False where some of the bytes cannot be stored; those before may have been.</returns>
    /// <exception cref="ArgumentOutOfRangeException">They are not all inside the mapping.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/process_vm_readv.2.html">process_vm_writev(2)</see></remarks>
    public unsafe bool TryWrite(long offset, ReadOnlySpan<byte> source)
    {
        using var lease = Acquire();
        MappedBytes.RequireWritable(Access);
        // SAFETY: the lease keeps the range mapped; the kernel checks each page.
        return _platform.Mapping.TryCopyTo((nint)MappedBytes.Locate(FirstByte, lease.Length, offset, source.Length), source);
    }
}
