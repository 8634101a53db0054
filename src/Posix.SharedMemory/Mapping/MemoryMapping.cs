using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory;

/// <summary>A part of an object in this process's memory. Disposing it unmaps.</summary>
/// <remarks>
/// It outlives the object it was made from. A span or reference taken from it is valid until the mapping is disposed or
/// collected: keep the mapping reachable while its memory is in use.
/// <see href="https://man7.org/linux/man-pages/man2/mmap.2.html">mmap(2)</see>
/// </remarks>
public sealed unsafe class MemoryMapping : IDisposable
{
    private readonly SafeMappingHandle _range;
    private readonly IMappingOwner _owner;
    private byte* _address;

    internal MemoryMapping(IMappingOwner owner, SafeMappingHandle range, int slack, ByteRange mapped, FileAccess access)
    {
        _owner = owner;
        _range = range;
        // SAFETY: the range is mapped from slack bytes before the first byte asked for, and this object owns it.
        _address = (byte*)range.DangerousGetHandle() + slack;
        Offset = mapped.Offset;
        Length = mapped.Length;
        Access = access;
    }

    /// <summary>Gets the byte of the object at which the mapping starts.</summary>
    public long Offset { get; }

    /// <summary>Gets how many bytes are mapped.</summary>
    public long Length { get; }

    /// <summary>Gets what the mapping allows: reading, or reading and writing.</summary>
    public FileAccess Access { get; }

    /// <summary>The mappings of one object stand in a list, so that it knows what it may not cut off.</summary>
    internal MemoryMapping? Next { get; set; }

    internal MemoryMapping? Previous { get; set; }

    /// <summary>All bytes, for reading and writing.</summary>
    /// <exception cref="InvalidOperationException">The mapping is read-only, or longer than a span can be.</exception>
    public Span<byte> GetSpan() => GetSpan(0, WholeLength());

    /// <summary>Some bytes, for reading and writing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They are not all inside the mapping.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    public Span<byte> GetSpan(long offset, int length)
    {
        RequireWritable();
        // SAFETY: Locate has checked that the bytes are mapped; they stay so until Dispose or finalization.
        return new(Locate(offset, length), length);
    }

    /// <summary>Some values, for reading and writing.</summary>
    /// <param name="offset">In bytes; a multiple of the type's alignment.</param>
    /// <param name="count">How many values.</param>
    /// <exception cref="ArgumentException">The first would not be aligned.</exception>
    /// <exception cref="ArgumentOutOfRangeException">They are not all inside the mapping.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    public Span<T> GetSpan<T>(long offset, int count)
        where T : unmanaged
    {
        RequireWritable();
        // SAFETY: as above; the address is aligned for T.
        return new(LocateAligned<T>(offset, count), count);
    }

    /// <summary>All bytes, for reading.</summary>
    /// <exception cref="InvalidOperationException">The mapping is longer than a span can be.</exception>
    public ReadOnlySpan<byte> GetReadOnlySpan() => GetReadOnlySpan(0, WholeLength());

    /// <summary>Some bytes, for reading.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They are not all inside the mapping.</exception>
    public ReadOnlySpan<byte> GetReadOnlySpan(long offset, int length) =>
        // SAFETY: Locate has checked that the bytes are mapped; they stay so until Dispose or finalization.
        new(Locate(offset, length), length);

    /// <summary>Some values, for reading.</summary>
    /// <param name="offset">In bytes; a multiple of the type's alignment.</param>
    /// <param name="count">How many values.</param>
    /// <exception cref="ArgumentException">The first would not be aligned.</exception>
    /// <exception cref="ArgumentOutOfRangeException">They are not all inside the mapping.</exception>
    public ReadOnlySpan<T> GetReadOnlySpan<T>(long offset, int count)
        where T : unmanaged =>
        // SAFETY: as above; the address is aligned for T.
        new(LocateAligned<T>(offset, count), count);

    /// <summary>One value in place, for reading, writing, <see cref="Interlocked"/> and <see cref="Volatile"/>.</summary>
    /// <param name="offset">In bytes; a multiple of the type's alignment.</param>
    /// <exception cref="ArgumentException">The value would not be aligned.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It is not inside the mapping.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    public ref T GetReference<T>(long offset)
        where T : unmanaged
    {
        RequireWritable();
        // SAFETY: LocateAligned has checked that the value is mapped and aligned; it stays so until Dispose or finalization.
        return ref *LocateAligned<T>(offset, 1);
    }

    /// <summary>The address of the first byte. It is valid until the mapping is disposed or collected, and nothing checks that.</summary>
    public byte* DangerousGetPointer() => Locate(0, 0);

    /// <summary>Unmaps the memory. Spans, references and pointers taken from the mapping are invalid afterwards.</summary>
    public void Dispose()
    {
        if (_range.IsClosed)
        {
            return;
        }

        _owner.Release(this);
        _address = null;
        _range.Dispose();
    }

    [DoesNotReturn]
    private static void ThrowOutside(long offset, long length, long limit) =>
        throw new ArgumentOutOfRangeException(
            nameof(offset), $"{length} bytes at offset {offset} are not inside the mapping, which has {limit} bytes.");

    [DoesNotReturn]
    private static void ThrowMisaligned(long offset, int alignment) =>
        throw new ArgumentException($"Offset {offset} is not aligned to {alignment} bytes, as the type requires.", nameof(offset));

    [DoesNotReturn]
    private static void ThrowReadOnly() =>
        throw new InvalidOperationException("The mapping is read-only: take GetReadOnlySpan, or open and map the object for ReadWrite.");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* Locate(long offset, long length)
    {
        if ((ulong)offset > (ulong)Length || (ulong)length > (ulong)(Length - offset))
        {
            ThrowOutside(offset, length, Length);
        }

        ObjectDisposedException.ThrowIf(_address is null, this);
        return _address + offset;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T* LocateAligned<T>(long offset, int count)
        where T : unmanaged
    {
        // A negative count stays negative here and is refused as outside.
        var address = Locate(offset, (long)count * sizeof(T));
        if (((nuint)address & (nuint)(AlignmentProbe<T>.Alignment - 1)) != 0)
        {
            ThrowMisaligned(offset, AlignmentProbe<T>.Alignment);
        }

        return (T*)address;
    }

    private void RequireWritable()
    {
        if (Access == FileAccess.Read)
        {
            ThrowReadOnly();
        }
    }

    private int WholeLength() => Length <= int.MaxValue
        ? (int)Length
        : throw new InvalidOperationException($"The mapping has {Length} bytes, more than a span can: take windows by offset and length.");
}
