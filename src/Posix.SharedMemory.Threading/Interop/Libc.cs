namespace Posix.SharedMemory.Threading.Interop;

/// <summary>The C library, under C's names. One file per man-page family; the man page is the documentation.</summary>
internal static partial class Libc
{
    /// <summary>Every Unix runtime of .NET resolves this to the C library it runs on.</summary>
    private const string Library = "libc";
}
