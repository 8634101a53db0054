namespace Posix.SharedMemory.Threading.Interop;

/// <summary>The error numbers that macOS and FreeBSD have in common, from their headers errno.h.</summary>
internal static class Bsd
{
    internal const int ENOENT = 2, EINTR = 4, EFAULT = 14, ETIMEDOUT = 60;
}
