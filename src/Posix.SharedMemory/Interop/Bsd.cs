namespace Posix.SharedMemory.Interop;

/// <summary>The numbers that macOS and FreeBSD have in common, from their headers fcntl.h and stat.h.</summary>
internal static class Bsd
{
    internal const int O_NONBLOCK = 4, O_NOFOLLOW = 0x100, O_CREAT = 0x200, O_TRUNC = 0x400, O_EXCL = 0x800;

    internal const uint S_IFMT = 0xF000, S_IFREG = 0x8000;

    internal const int MAP_ANON = 0x1000;
}
