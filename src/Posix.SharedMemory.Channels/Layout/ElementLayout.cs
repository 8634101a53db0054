using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>Size and alignment of elements, as the header holds them.</summary>
internal static class ElementLayout
{
    /// <summary>The alignment of a type, in bytes.</summary>
    internal static int AlignmentOf<T>()
        where T : unmanaged => Unsafe.SizeOf<AfterOneByte<T>>() - Unsafe.SizeOf<T>();

    /// <summary>What its size is more than the element's is the element's alignment.</summary>
    private readonly struct AfterOneByte<T>
        where T : unmanaged
    {
#pragma warning disable CS0169, IDE0051, IDE0044 // The fields are there for the size.
        private readonly byte _one;
        private readonly T _element;
#pragma warning restore CS0169, IDE0051, IDE0044
    }
}
