using System.Buffers;

namespace Posix.SharedMemory;

public sealed partial class MemoryMapping
{
    /// <summary>Borrows the bytes: they stay mapped until the lease is disposed, even if another thread disposes the mapping meanwhile.</summary>
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
        var range = _range;
        ref var count = ref range.BeginLease();
        // SAFETY: the lease just begun keeps the range mapped, whatever other threads dispose.
        return new(range, ref count, _start, Length, Access);
    }

    /// <summary>Borrows a part of the mapping until the hold is disposed: like <see cref="Acquire"/>, but as an object that can be a field and that any thread may use.</summary>
    /// <param name="offset">The first byte to hold, counted from the mapping's first.</param>
    /// <param name="length">How many bytes; by default, up to the mapping's present end.</param>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes lie outside the mapping.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    public unsafe MappingHold Hold(long offset = 0, long? length = null)
    {
        using var lease = Acquire();
        var count = length ?? lease.Length - offset;
        // SAFETY: an address is computed inside the leased range; the reference added for the hold keeps it mapped.
        var first = MappedBytes.Locate(_start, lease.Length, offset, count);
        AddReference();
        return new(_range, first, count, Access);
    }

    /// <summary>Returns some bytes as <see cref="Memory{T}"/>, for reading and writing: they stay mapped until the owner is disposed or collected.</summary>
    /// <param name="offset">The first byte, counted from the mapping's first.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">Some of them lie outside the mapping.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <example>
    /// <code>
    /// using (var owner = map.GetMemory(0, 4096))
    /// {
    ///     await socket.SendAsync(owner.Memory, cancellationToken);   // Mapped until the end of the block.
    /// }
    /// </code>
    /// </example>
    public IMemoryOwner<byte> GetMemory(long offset, int length) => GetMemory<byte>(offset, length);

    /// <summary>Returns some values as <see cref="Memory{T}"/>, for reading and writing: they stay mapped until the owner is disposed or collected.</summary>
    /// <param name="offset">In bytes; a multiple of the type's alignment.</param>
    /// <param name="count">How many values.</param>
    /// <exception cref="ArgumentException">The first would not be aligned.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Some of them lie outside the mapping.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <example>
    /// <code><![CDATA[
    /// using var samples = map.GetMemory<float>(4096, 256);
    /// await Task.Run(() => samples.Memory.Span.Fill(1.5f));
    /// ]]></code>
    /// </example>
    public unsafe IMemoryOwner<T> GetMemory<T>(long offset, int count)
        where T : unmanaged
    {
        MappedBytes.RequireWritable(Access);
        using var lease = Acquire();
        // SAFETY: an address is computed, nothing is touched.
        _ = MappedBytes.LocateAligned<T>(_start, lease.Length, offset, count);
        return new MappedMemory<T>(Hold(offset, (long)count * sizeof(T)), 0, count);
    }

    /// <summary>Returns some bytes as <see cref="ReadOnlyMemory{T}"/>, of a read-only mapping too: they stay mapped until the result is disposed or collected.</summary>
    /// <param name="offset">The first byte, counted from the mapping's first.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">Some of them lie outside the mapping.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    public MappedReadOnlyMemory GetReadOnlyMemory(long offset, int length) => new(Hold(offset, length));

    /// <summary>Opens a part of the mapping as a stream: seekable, and exactly as long as the part. It holds the bytes until it is disposed or collected.</summary>
    /// <param name="offset">The stream's first byte, counted from the mapping's.</param>
    /// <param name="length">How many bytes; by default, up to the mapping's present end.</param>
    /// <param name="access">What the stream allows; by default, what the mapping allows.</param>
    /// <returns>
    /// A stream whose asynchronous members complete at once. Writing past its end and <see cref="Stream.SetLength"/> are a <see cref="NotSupportedException"/>,
    /// and store nothing.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes lie outside the mapping.</exception>
    /// <exception cref="ArgumentException">The access is not defined by the enumeration.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only, and a stream for writing is requested.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    /// <remarks>As with spans, touching bytes that another process has cut off ends this process.</remarks>
    /// <example>
    /// <code>
    /// using var stream = map.OpenStream(16, 4096, FileAccess.Read);
    /// using var reader = new StreamReader(stream);
    /// Console.WriteLine(await reader.ReadLineAsync(cancellationToken));
    /// </code>
    /// </example>
    public Stream OpenStream(long offset = 0, long? length = null, FileAccess? access = null)
    {
        var allowed = access ?? Access;
        if (allowed is not (FileAccess.Read or FileAccess.Write or FileAccess.ReadWrite))
        {
            throw new ArgumentException("A stream is for Read, Write or ReadWrite.", nameof(access));
        }

        if (allowed != FileAccess.Read)
        {
            MappedBytes.RequireWritable(Access);
        }

        return new MappingStream(Hold(offset, length), allowed);
    }

    /// <summary>Opens a writer for the bytes from an offset up to the mapping's present end: serializers that accept an <see cref="IBufferWriter{T}"/> write directly into the mapping.</summary>
    /// <param name="offset">Where the first byte goes, counted from the mapping's first.</param>
    /// <exception cref="ArgumentOutOfRangeException">The place lies outside the mapping.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    /// <exception cref="ObjectDisposedException">The mapping has been disposed.</exception>
    public MappingWriter OpenWriter(long offset = 0)
    {
        MappedBytes.RequireWritable(Access);
        return new(Hold(offset));
    }
}
