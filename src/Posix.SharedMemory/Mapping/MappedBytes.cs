using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory;

/// <summary>The checks between an offset and an address: the one place for bounds, alignment and access of mapped memory.</summary>
internal static class MappedBytes
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static unsafe byte* Locate(byte* start, long mapped, long offset, long length)
    {
        // One branch for all: a sum that overflows is negative, and so is each number that must not be.
        var end = unchecked(offset + length);
        if ((offset | length | end | unchecked(mapped - end)) < 0)
        {
            ThrowOutside(offset, length, mapped);
        }

        return start + offset;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static unsafe T* LocateAligned<T>(byte* start, long mapped, long offset, int count)
        where T : unmanaged
    {
        // A negative count stays negative here and is refused as outside.
        var address = Locate(start, mapped, offset, (long)count * sizeof(T));
        if (((nuint)address & (nuint)(AlignmentProbe<T>.Alignment - 1)) != 0)
        {
            ThrowMisaligned(offset, AlignmentProbe<T>.Alignment);
        }

        return (T*)address;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void RequireWritable(FileAccess access)
    {
        if (access == FileAccess.Read)
        {
            ThrowReadOnly();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int WholeLength(long mapped)
    {
        if (mapped > int.MaxValue)
        {
            ThrowTooLong(mapped);
        }

        return (int)mapped;
    }

    [DoesNotReturn]
    private static void ThrowOutside(long offset, long length, long mapped) =>
        throw new ArgumentOutOfRangeException(
            nameof(offset), $"{length} bytes at offset {offset} do not all lie inside the mapped range of {mapped} bytes.");

    [DoesNotReturn]
    private static void ThrowMisaligned(long offset, int alignment) =>
        throw new ArgumentException($"Offset {offset} is not aligned to {alignment} bytes, as the type requires.", nameof(offset));

    [DoesNotReturn]
    internal static void ThrowReadOnly() =>
        throw new InvalidOperationException("The mapping is read-only: take GetReadOnlySpan, or open and map the object for ReadWrite.");

    [DoesNotReturn]
    private static void ThrowTooLong(long mapped) =>
        throw new InvalidOperationException($"{mapped} bytes are mapped, more than a span can hold: take windows by offset and length.");
}
