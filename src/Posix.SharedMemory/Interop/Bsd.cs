namespace Posix.SharedMemory.Interop;

/// <summary>The numbers that macOS and FreeBSD have in common, from their headers fcntl.h, stat.h, socket.h and un.h.</summary>
internal static class Bsd
{
    internal const int O_NONBLOCK = 4, O_APPEND = 8, O_NOFOLLOW = 0x100, O_CREAT = 0x200, O_TRUNC = 0x400, O_EXCL = 0x800;

    internal const uint S_IFMT = 0xF000, S_IFREG = 0x8000;

    internal const int MAP_ANON = 0x1000;

    internal const int SOL_SOCKET = 0xffff, MSG_TRUNC = 0x10, MSG_CTRUNC = 0x20, MSG_DONTWAIT = 0x80;
    internal const int SOL_LOCAL = 0, LOCAL_PEERCRED = 1;
}
