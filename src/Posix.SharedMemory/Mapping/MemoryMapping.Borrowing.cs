using System.Buffers;

namespace Posix.SharedMemory;

public sealed partial class MemoryMapping
{
    /// <summary>Borrows the bytes: they stay mapped until the lease is disposed, whoever disposes the mapping meanwhile.</summary>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <example>
    /// <code><![CDATA[
    /// using var lease = map.Acquire();
    /// lease.GetSpan(8, 4096).Clear();
    /// Interlocked.Increment(ref lease.GetReference<long>(0));
    /// Console.WriteLine($"{lease.Length} bytes are borrowed, {lease.ReadOnlySpan.Count((byte)0)} of them zero; {lease.Span.Length} can be written");
    /// ]]></code>
    /// </example>
    public unsafe MappingLease Acquire()
    {
        AddReference();
        // SAFETY: the reference just taken keeps the range mapped. Its start is asked of the range: Dispose, on another
        // thread, takes _address away.
        return new(_range, FirstByte, Length, Access);
    }

    /// <summary>Borrows a part of the mapping until the hold is disposed: as <see cref="Acquire"/>, in an object that can be a field and cross threads.</summary>
    /// <param name="offset">The first byte to hold, counted from the mapping's first.</param>
    /// <param name="length">How many bytes; by default, up to the mapping's present end.</param>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes lie outside the mapping.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    public unsafe MappingHold Hold(long offset = 0, long? length = null)
    {
        using var lease = Acquire();
        var count = length ?? lease.Length - offset;
        // SAFETY: an address is computed inside the leased range; the reference added for the hold keeps it mapped.
        var first = MappedBytes.Locate(FirstByte, lease.Length, offset, count);
        AddReference();
        return new(_range, first, count, Access);
    }

    /// <summary>Some bytes as <see cref="Memory{T}"/>, for reading and writing: they stay mapped until the owner is disposed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They are not all inside the mapping.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <example>
    /// <code>
    /// using (var owner = map.GetMemory(0, 4096))
    /// {
    ///     await socket.SendAsync(owner.Memory, cancellationToken);   // Stays mapped, whoever disposes the mapping meanwhile.
    /// }
    /// </code>
    /// </example>
    public unsafe IMemoryOwner<byte> GetMemory(long offset, int length)
    {
        MappedBytes.RequireWritable(Access);
        // SAFETY: an address is computed, nothing is touched.
        var first = MappedBytes.Locate(FirstByte, Length, offset, length);
        AddReference();
        return new MappedMemory(_range, first, length);
    }
}
