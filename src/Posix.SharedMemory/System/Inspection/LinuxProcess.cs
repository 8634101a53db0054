using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Posix.SharedMemory.Inspection;

namespace Posix.SharedMemory;

/// <summary>Reads what /proc reports of one process.</summary>
/// <remarks><see href="https://man7.org/linux/man-pages/man5/proc.5.html">proc(5)</see></remarks>
internal static class LinuxProcess
{
    /// <summary>Room for the longest path that is made here, and the NUL.</summary>
    internal const int PathBytes = 64;

    // The kernel's number of the PID namespace that all others are in (PROC_PID_INIT_INO).
    private const string InitialNamespace = "pid:[4026531836]";

    private static readonly Lazy<bool> s_seesAll = new(() => new FileInfo("/proc/self/ns/pid").LinkTarget == InitialNamespace);

    /// <summary>Gets whether /proc can show every process there is: in a container it does not show those outside, which may hold the same objects.</summary>
    internal static bool SeesAll => s_seesAll.Value;

    /// <summary>Fails where /proc cannot be seen, so that what is not found there is not taken for what does not exist.</summary>
    internal static void RequireProc()
    {
        if (!Directory.Exists("/proc/self"))
        {
            throw new PlatformNotSupportedException("The processes that hold an object are found in /proc, which is not mounted here, or which a filter in front of the kernel (seccomp) hides: newfstatat must be allowed.");
        }
    }

    /// <summary>Describes a process, as far as it can be read.</summary>
    internal static SharedMemoryHolder Describe(int id) => new()
    {
        ProcessId = id,
        Command = ReadString($"/proc/{id}/comm") is { Length: > 0 } command ? command.TrimEnd('\n') : "",
        CommandLine = ReadString($"/proc/{id}/cmdline") is { Length: > 0 } words ? words.TrimEnd('\0').Split('\0') : [],
        UserId = ReadUser(id),
        Mappings = [],
        Descriptors = [],
    };

    /// <summary>Finds why a process's memory or descriptors cannot be read.</summary>
    internal static LinuxProcessState ReadState(int id)
    {
        const uint PF_KTHREAD = 0x00200000;
        if (!LinuxText.TryRead(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/stat"), out var text))
        {
            // It is gone; or it exists and may not be examined at all (/proc mounted with hidepid=1).
            return Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}")) ? LinuxProcessState.Hidden : LinuxProcessState.Gone;
        }

        using (text)
        {
            // The command, in parentheses, may contain anything; the state is the first field after it, the flags are the seventh.
            var fields = Encoding.Latin1.GetString(text.Bytes[Math.Min(text.Bytes.Length, text.Bytes.LastIndexOf((byte)')') + 2)..]).Split(' ');
            return fields[0] is "Z" or "X" ? LinuxProcessState.Ended
                : uint.TryParse(fields.ElementAtOrDefault(6), CultureInfo.InvariantCulture, out var flags) && (flags & PF_KTHREAD) != 0 ? LinuxProcessState.Kernel
                : LinuxProcessState.Hidden;
        }
    }

    /// <summary>Reads what a descriptor of a thread was opened for.</summary>
    internal static FileAccess ReadAccess(int id, int thread, int descriptor)
    {
        if (!LinuxText.TryRead(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/task/{thread}/fdinfo/{descriptor}"), out var text))
        {
            return FileAccess.Read;
        }

        using (text)
        {
            // flags:	0100002: octal, the access mode in the last two bits.
            return text.LineAfter("flags:"u8) is [.., var last] && ((last - '0') & 3) != 0 ? FileAccess.ReadWrite : FileAccess.Read;
        }
    }

    /// <summary>Reads the path of what a descriptor of a thread stands for, as the kernel shows it.</summary>
    internal static string? ReadLink(int id, int thread, int descriptor)
    {
        try
        {
            return new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/task/{thread}/fd/{descriptor}")).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? ReadString(FormattableString path)
    {
        if (!LinuxText.TryRead(FormattableString.Invariant(path), out var text))
        {
            return null;
        }

        using (text)
        {
            return Encoding.UTF8.GetString(text.Bytes);
        }
    }

    private static uint? ReadUser(int id)
    {
        if (!LinuxText.TryRead(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/status"), out var text))
        {
            return null;
        }

        using (text)
        {
            // Uid:	1000	1000	1000	1000: real, effective, saved, and that for files.
            var users = text.LineAfter("Uid:\t"u8);
            return Utf8Parser.TryParse(users[(users.IndexOf((byte)'\t') + 1)..], out uint effective, out _) ? effective : null;
        }
    }
}
