using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory;

/// <summary>Finds a type's alignment: the offset at which the runtime puts a value that follows one byte.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct AlignmentProbe<T>
    where T : unmanaged
{
#pragma warning disable CS0169, IDE0051 // The fields exist only for their offsets.
    private readonly byte _first;
    private readonly T _second;
#pragma warning restore CS0169, IDE0051

    /// <summary>Gets the alignment in bytes; a constant to the compiler.</summary>
    internal static int Alignment => Unsafe.SizeOf<AlignmentProbe<T>>() - Unsafe.SizeOf<T>();
}
