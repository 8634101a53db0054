using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory;

/// <summary>Keeps a mapping's bytes mapped until it is disposed, even if another thread disposes the mapping.</summary>
/// <remarks>
/// The compiler does not let its spans outlive its variable. It lives on the stack of one thread and is disposed once, at the end of
/// its scope: <c>using var lease = mapping.Acquire();</c>. Do not dispose it explicitly before that, and do not copy it: the compiler does not detect either, and disposing a
/// copy too releases a reference that belongs to another lease.
/// </remarks>
public ref struct MappingLease : IDisposable
{
    private readonly unsafe byte* _address;
    private readonly FileAccess _access;
    private readonly ref int _count;
    private SafeMappingHandle? _range;

    /// <summary>Takes over a lease of the range that the caller has begun.</summary>
    internal unsafe MappingLease(SafeMappingHandle range, ref int count, byte* address, long length, FileAccess access)
    {
        _range = range;
        _count = ref count;
        _address = address;
        _access = access;
        Length = length;
    }

    /// <summary>Gets the length of the lease in bytes: the mapping's length when the lease was taken.</summary>
    public long Length { get; }

    /// <summary>Gets whether the mapping could be written when the lease was taken.</summary>
    internal readonly bool IsWritable => _access != FileAccess.Read;

    /// <summary>Gets all bytes, for reading and writing.</summary>
    /// <exception cref="InvalidOperationException">The mapping is read-only, or longer than a span can hold.</exception>
    [UnscopedRef]
    public readonly Span<byte> Span => GetSpan(0, MappedBytes.WholeLength(Length));

    /// <summary>Gets all bytes, for reading.</summary>
    /// <exception cref="InvalidOperationException">The mapping is longer than a span can hold.</exception>
    [UnscopedRef]
    public readonly ReadOnlySpan<byte> ReadOnlySpan => GetReadOnlySpan(0, MappedBytes.WholeLength(Length));

    /// <summary>Returns a range of the bytes, for reading and writing.</summary>
    /// <param name="offset">The first byte, counted from the lease's first.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not completely inside the lease.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    [UnscopedRef]
    public readonly unsafe Span<byte> GetSpan(long offset, int length)
    {
        MappedBytes.RequireWritable(_access);
        // SAFETY: the reference taken in Acquire keeps the bytes mapped until Dispose, and UnscopedRef bounds the span by this lease.
        return new(MappedBytes.Locate(Borrowed, Length, offset, length), length);
    }

    /// <summary>Returns a range of the bytes, for reading.</summary>
    /// <param name="offset">The first byte, counted from the lease's first.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not completely inside the lease.</exception>
    [UnscopedRef]
    public readonly unsafe ReadOnlySpan<byte> GetReadOnlySpan(long offset, int length) =>
        // SAFETY: the reference taken in Acquire keeps the bytes mapped until Dispose, and UnscopedRef bounds the span by this lease.
        new(MappedBytes.Locate(Borrowed, Length, offset, length), length);

    /// <summary>Returns some values, for reading and writing.</summary>
    /// <param name="offset">In bytes; a multiple of the type's alignment.</param>
    /// <param name="count">How many values.</param>
    /// <exception cref="ArgumentException">The first would not be aligned.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Some of them lie outside the lease.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    [UnscopedRef]
    public readonly unsafe Span<T> GetSpan<T>(long offset, int count)
        where T : unmanaged
    {
        MappedBytes.RequireWritable(_access);
        // SAFETY: as above; the address is aligned for T.
        return new(MappedBytes.LocateAligned<T>(Borrowed, Length, offset, count), count);
    }

    /// <summary>Returns some values, for reading.</summary>
    /// <param name="offset">In bytes; a multiple of the type's alignment.</param>
    /// <param name="count">How many values.</param>
    /// <exception cref="ArgumentException">The first would not be aligned.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Some of them lie outside the lease.</exception>
    [UnscopedRef]
    public readonly unsafe ReadOnlySpan<T> GetReadOnlySpan<T>(long offset, int count)
        where T : unmanaged =>
        // SAFETY: as above; the address is aligned for T.
        new(MappedBytes.LocateAligned<T>(Borrowed, Length, offset, count), count);

    /// <summary>Returns a reference to a value in place, for reading, writing, <see cref="Interlocked"/> and <see cref="Volatile"/>.</summary>
    /// <param name="offset">In bytes; a multiple of the type's alignment.</param>
    /// <exception cref="ArgumentException">The value would not be aligned.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The value is not inside the lease.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    [UnscopedRef]
    public readonly unsafe ref T GetReference<T>(long offset)
        where T : unmanaged
    {
        MappedBytes.RequireWritable(_access);
        // SAFETY: as above; the address is aligned for T.
        return ref *MappedBytes.LocateAligned<T>(Borrowed, Length, offset, 1);
    }

    /// <summary>Returns one value in place, for reading; <see cref="Volatile.Read(ref readonly int)"/> accepts it.</summary>
    /// <param name="offset">In bytes; a multiple of the type's alignment.</param>
    /// <exception cref="ArgumentException">The value would not be aligned.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The value does not lie inside the lease.</exception>
    [UnscopedRef]
    public readonly unsafe ref readonly T GetReadOnlyReference<T>(long offset)
        where T : unmanaged =>
        // SAFETY: as above; the address is aligned for T.
        ref *MappedBytes.LocateAligned<T>(Borrowed, Length, offset, 1);

    private readonly unsafe byte* Borrowed => _range is not null ? _address : throw new ObjectDisposedException(nameof(MappingLease));

    /// <summary>Ends the lease. If the mapping has been disposed meanwhile, the end of the last lease unmaps the bytes.</summary>
    public void Dispose()
    {
        if (_range is { } range)
        {
            _range = null;
            range.EndLease(ref _count);
        }
    }
}
