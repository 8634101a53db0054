using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory;

/// <summary>Borrows a mapping's bytes: while it lives, they stay mapped, whoever disposes the mapping.</summary>
/// <remarks>
/// The compiler refuses to let its spans outlive its variable. It lives on the stack of one thread and is disposed once, at the end of
/// its scope: <c>using var lease = mapping.Acquire();</c>. Do not dispose it earlier by hand, nor copy it: the compiler does not see that, and a
/// copy that is disposed too gives back a reference that is not its own.
/// </remarks>
public ref struct MappingLease : IDisposable
{
    private readonly unsafe byte* _address;
    private readonly FileAccess _access;
    private SafeMappingHandle? _range;

    /// <summary>Takes over a reference that has been added to the range.</summary>
    internal unsafe MappingLease(SafeMappingHandle range, byte* address, long length, FileAccess access)
    {
        _range = range;
        _address = address;
        _access = access;
        Length = length;
    }

    /// <summary>Gets how many bytes are borrowed: the mapping's length when the lease was taken.</summary>
    public long Length { get; }

    /// <summary>Gets all bytes, for reading and writing.</summary>
    /// <exception cref="InvalidOperationException">The mapping is read-only, or longer than a span can be.</exception>
    [UnscopedRef]
    public readonly Span<byte> Span => GetSpan(0, MappedBytes.WholeLength(Length));

    /// <summary>Gets all bytes, for reading.</summary>
    /// <exception cref="InvalidOperationException">The mapping is longer than a span can be.</exception>
    [UnscopedRef]
    public readonly ReadOnlySpan<byte> ReadOnlySpan => GetReadOnlySpan(0, MappedBytes.WholeLength(Length));

    /// <summary>Some bytes, for reading and writing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They are not all inside the lease.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    [UnscopedRef]
    public readonly unsafe Span<byte> GetSpan(long offset, int length)
    {
        MappedBytes.RequireWritable(_access);
        // SAFETY: the reference taken in Acquire keeps the bytes mapped until Dispose, and UnscopedRef bounds the span by this lease.
        return new(MappedBytes.Locate(Borrowed, Length, offset, length), length);
    }

    /// <summary>Some bytes, for reading.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They are not all inside the lease.</exception>
    [UnscopedRef]
    public readonly unsafe ReadOnlySpan<byte> GetReadOnlySpan(long offset, int length) =>
        // SAFETY: the reference taken in Acquire keeps the bytes mapped until Dispose, and UnscopedRef bounds the span by this lease.
        new(MappedBytes.Locate(Borrowed, Length, offset, length), length);

    /// <summary>One value in place, for reading, writing, <see cref="Interlocked"/> and <see cref="Volatile"/>.</summary>
    /// <param name="offset">In bytes; a multiple of the type's alignment.</param>
    /// <exception cref="ArgumentException">The value would not be aligned.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It is not inside the lease.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    [UnscopedRef]
    public readonly unsafe ref T GetReference<T>(long offset)
        where T : unmanaged
    {
        MappedBytes.RequireWritable(_access);
        // SAFETY: as above; the address is aligned for T.
        return ref *MappedBytes.LocateAligned<T>(Borrowed, Length, offset, 1);
    }

    /// <summary>Returns one value in place, for reading; <see cref="Volatile.Read(ref readonly int)"/> takes it.</summary>
    /// <param name="offset">In bytes; a multiple of the type's alignment.</param>
    /// <exception cref="ArgumentException">The value would not be aligned.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The value does not lie inside the lease.</exception>
    [UnscopedRef]
    public readonly unsafe ref readonly T GetReadOnlyReference<T>(long offset)
        where T : unmanaged =>
        // SAFETY: as above; the address is aligned for T.
        ref *MappedBytes.LocateAligned<T>(Borrowed, Length, offset, 1);

    private readonly unsafe byte* Borrowed => _range is not null ? _address : throw new ObjectDisposedException(nameof(MappingLease));

    /// <summary>Gives the bytes back. If the mapping has been disposed meanwhile, the last lease unmaps them.</summary>
    public void Dispose()
    {
        _range?.DangerousRelease();
        _range = null;
    }
}
