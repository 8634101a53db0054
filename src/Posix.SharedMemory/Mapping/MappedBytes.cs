using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory;

/// <summary>The checks between an offset and an address: the one place for bounds, alignment and access of mapped memory.</summary>
internal static class MappedBytes
{
    /// <summary>The longest value that <see cref="IsWithin"/> takes, and its largest alignment.</summary>
    private const int Widest = 64, AlignedTo = 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static unsafe byte* Locate(byte* start, long mapped, long offset, long length)
    {
        // Two branches: one for both takes more instructions, since the sum must not overflow, and was measured to be slower.
        if ((ulong)offset > (ulong)mapped || (ulong)length > (ulong)(mapped - offset))
        {
            ThrowOutside(offset, length, mapped);
        }

        return start + offset;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static unsafe T* LocateAligned<T>(byte* start, long mapped, long offset, int count)
        where T : unmanaged
    {
        // A negative count stays negative here, and Locate refuses it.
        var address = Locate(start, mapped, offset, (long)count * sizeof(T));
        if (((nuint)address & (nuint)(AlignmentProbe<T>.Alignment - 1)) != 0)
        {
            ThrowMisaligned(offset, AlignmentProbe<T>.Alignment);
        }

        return (T*)address;
    }

    /// <summary>The offsets below which a value of at most <see cref="Widest"/> bytes is mapped as a whole: none where the first byte is not aligned.</summary>
    internal static unsafe long Reach(byte* start, long mapped) => ((nint)start & (AlignedTo - 1)) == 0 ? Math.Max(0, mapped - Widest + 1) : 0;

    /// <summary>Returns whether a value is within reach and aligned: one comparison for both bounds. Where not, it may be mapped all the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsWithin<T>(long reach, long offset)
        where T : unmanaged =>
        Unsafe.SizeOf<T>() <= Widest && AlignmentProbe<T>.Alignment <= AlignedTo && (ulong)offset < (ulong)reach && (offset & (AlignmentProbe<T>.Alignment - 1)) == 0;

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
        throw new InvalidOperationException("The mapping is read-only. Use GetReadOnlySpan or GetReadOnlyReference, or open and map the object for ReadWrite.");

    [DoesNotReturn]
    private static void ThrowTooLong(long mapped) =>
        throw new InvalidOperationException($"{mapped} bytes are mapped, more than a span can hold. Take a part by offset and length.");
}
