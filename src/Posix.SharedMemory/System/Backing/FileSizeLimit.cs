using System.Runtime.InteropServices;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

/// <summary>How large this process may make files (<c>RLIMIT_FSIZE</c>). The kernel answers what is larger with EFBIG, and with SIGXFSZ, which ends a process that has no handler.</summary>
/// <remarks>
/// A handler that does nothing costs no call per write, where a look at the limit before each one did, and it cannot be too late. It is never
/// removed: a signal that is pending then would end the process. Programs that this process starts do not inherit it.
/// </remarks>
internal static class FileSizeLimit
{
    private static readonly PosixSignalRegistration? s_handler = Register();

    /// <summary>Makes sure that the signal ends no process. To be called before whatever may raise it.</summary>
    internal static void Guard() => GC.KeepAlive(s_handler);

    /// <summary>The failure of a call with EFBIG, with the limit if that is what was exceeded.</summary>
    internal static SharedMemoryException Exceeded(string operation, in OpenObject target, long end)
    {
        var isLimited = Libc.getrlimit(RLIMIT_FSIZE, out var current) == 0 && (ulong)end > current.rlim_cur;
        return new(
            Errno.EFBIG, operation, target.Name.Text,
            isLimited ? $"{end} bytes requested, but RLIMIT_FSIZE allows this process {current.rlim_cur}" : $"{end} bytes requested");
    }

    private static PosixSignalRegistration? Register()
    {
        const int SIGXFSZ = 25;
        // A program that ignores the signal, or has a handler of its own, is left alone.
        return IsDefault(SIGXFSZ) ? PosixSignalRegistration.Create((PosixSignal)SIGXFSZ, static context => context.Cancel = true) : null;
    }

    private static bool IsDefault(int signal)
    {
        if (!OperatingSystem.IsLinux() || !LinuxText.TryRead("/proc/self/status", out var text))
        {
            return true;
        }

        using (text)
        {
            var bit = 1UL << (signal - 1);
            return (MaskAfter(text, "SigIgn:\t"u8) & bit) == 0 && (MaskAfter(text, "SigCgt:\t"u8) & bit) == 0;
        }
    }

    private static ulong MaskAfter(in LinuxText text, ReadOnlySpan<byte> word) =>
        System.Buffers.Text.Utf8Parser.TryParse(text.LineAfter(word), out ulong mask, out _, 'x') ? mask : 0;
}
