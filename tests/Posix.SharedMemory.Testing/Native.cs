using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Testing;

/// <summary>What tests need of Linux's libc and the base library does not give.</summary>
internal static partial class Native
{
    internal const int O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0x40, O_APPEND = 0x400, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
    internal const int F_GETFD = 1, F_GETFL = 3;
    internal const int FD_CLOEXEC = 1;
    internal const int SIGKILL = 9, SIGCONT = 18, SIGSTOP = 19;
    internal const int O_NOFOLLOW = 0x20000, O_PATH = 0x200000;

    /// <summary>Gets how many handles one message carries: the kernel takes 253, and musl before version 1.2.4 has room for 252.</summary>
    internal static int MostHandles { get; } = File.Exists("/proc/self/maps") && File.ReadAllText("/proc/self/maps").Contains("/ld-musl-", StringComparison.Ordinal) ? 252 : 253;

    [LibraryImport("libc")]
    internal static partial uint getegid();

    /// <summary>Opens a path of any bytes.</summary>
    internal static SafeFileHandle Open(ReadOnlySpan<byte> path, int flags)
    {
        var descriptor = open([.. path, 0], flags | O_CLOEXEC, 0x180);
        return descriptor >= 0 ? new(descriptor, ownsHandle: true) : throw new IOException($"open: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    internal static SafeFileHandle Open(string path, int flags) => Open(Encoding.UTF8.GetBytes(path), flags);

    /// <summary>Makes a FIFO.</summary>
    internal static void MakeFifo(string path) => Check(mkfifo(path, 0x180));

    /// <summary>Gives a file a second name.</summary>
    internal static void Link(string from, string to) => Check(link(from, to));

    /// <summary>Sends a signal to a process that this one started, or to itself.</summary>
    internal static void Kill(int processId, int signal) => Check(kill(processId, signal));

    /// <summary>Makes a file longer or shorter, whoever has it open.</summary>
    internal static bool TryTruncate(string path, long length) => truncate(path, length) == 0;

    /// <summary>Sets the permissions of what a path leads to.</summary>
    internal static bool TryChangeMode(string path, uint mode) => chmod(path, mode) == 0;

    /// <summary>Moves a file over another.</summary>
    internal static bool TryRename(string from, string to) => rename(from, to) == 0;

    /// <summary>Makes a FIFO, unless the name is taken.</summary>
    internal static bool TryMakeFifo(string path) => mkfifo(path, 0x1B6) == 0;

    /// <summary>Makes a pipe.</summary>
    internal static (SafeFileHandle Reader, SafeFileHandle Writer) Pipe(int flags = 0)
    {
        var ends = new int[2];
        Check(pipe2(ends, flags | O_CLOEXEC));
        return (new(ends[0], ownsHandle: true), new(ends[1], ownsHandle: true));
    }

    /// <summary>Asks for a descriptor's flags.</summary>
    internal static int Flags(SafeHandle handle, int command) => fcntl(handle, command, 0);

    /// <summary>Another descriptor of the same open, as a receiver of it has.</summary>
    internal static SafeFileHandle Duplicate(SafeHandle handle)
    {
        const int F_DUPFD_CLOEXEC = 1030;
        var number = fcntl(handle, F_DUPFD_CLOEXEC, 0);
        Check(number);
        return new(number, ownsHandle: true);
    }

    /// <summary>Moves a descriptor's file offset, or tells it with an offset of 0 from where it is.</summary>
    internal static long Seek(SafeHandle handle, long offset, bool fromHere = false) => lseek(handle, offset, fromHere ? 1 : 0);

    /// <summary>Reads what there is, at most as much as fits.</summary>
    internal static int Read(SafeHandle handle, byte[] buffer) => (int)read(handle, buffer, (nuint)buffer.Length);

    /// <summary>Sets how long files may become by this process (<c>RLIMIT_FSIZE</c>), up to what it may set itself.</summary>
    internal static void SetFileSizeLimit(ulong bytes) => Check(setrlimit(1, [bytes, ulong.MaxValue]));

    private static void Check(int result)
    {
        if (result < 0)
        {
            throw new IOException(Marshal.GetLastPInvokeErrorMessage());
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int open(byte[] path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkfifo(string path, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int link(string from, string to);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int processId, int signal);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int truncate(string path, long length);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int chmod(string path, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rename(string from, string to);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setrlimit(int resource, ulong[] softAndHard);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int pipe2([Out] int[] ends, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(SafeHandle fd, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long lseek(SafeHandle fd, long offset, int whence);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(SafeHandle fd, [Out] byte[] buffer, nuint count);
}
