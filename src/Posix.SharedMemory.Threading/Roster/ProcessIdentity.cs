using System.Globalization;

namespace Posix.SharedMemory.Threading;

/// <summary>What this process says of itself in its seat, for people and for the second witness.</summary>
internal static class ProcessIdentity
{
    /// <summary>The boot of a process that cannot find it out.</summary>
    internal const uint UnknownBoot = 1;

    /// <summary>What stands for the start time of a process that has ended, while its parent has not yet asked how: no process starts then.</summary>
    internal const ulong Ended = ulong.MaxValue;

    /// <summary>The inode of the time namespace in which the machine starts.</summary>
    private const ulong FirstTimeNamespace = 0xEFFFFFFA;

    private const string BootFile = "/proc/sys/kernel/random/boot_id";

    private static readonly Lazy<bool> s_seesItself = new(() => new FileInfo("/proc/self").LinkTarget == Text(Environment.ProcessId));

    /// <summary>Gets a number of this boot of the machine, never 0; <see cref="UnknownBoot"/> where there is none that all processes of the machine see.</summary>
    internal static uint Boot => Own.Boot;

    /// <summary>Gets the inode of this process's PID namespace; 0: unknown.</summary>
    internal static ulong PidNamespace => Own.PidNamespace;

    /// <summary>Gets where the number and the start time of a process mean what they mean here: its PID namespace and, in the upper half, its time namespace unless that is the first; 0: unknown.</summary>
    internal static ulong Space => Own.Space;

    /// <summary>Gets when this process started, in clock ticks since boot; 0: unknown.</summary>
    internal static ulong StartTime => Own.StartTime;

    /// <summary>Gets whether /proc shows the PID namespace that this process is in.</summary>
    internal static bool ProcShowsThisNamespace => s_seesItself.Value;

    /// <summary>Whether a number certainly stands for another boot than this one.</summary>
    internal static bool IsOfAnotherBoot(uint boot) => boot != Boot && boot != UnknownBoot && Boot != UnknownBoot;

    /// <summary>When a process of this namespace started, or <see cref="Ended"/>. <see langword="null"/>: there is none with this number.</summary>
    internal static ulong? StartTimeOf(uint processId) => StartTimeOf(Text(processId));

    private static ulong? StartTimeOf(string process)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{process}/stat");
            // The command, in parentheses, may hold spaces and parentheses itself; the state is the first field after it, the start time the 20th.
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            // A zombie that has other threads, which the 18th field counts, lives: only its first thread has ended.
            return fields.Length > 19 && fields[0] is "Z" or "X" && fields[17] == "1" ? Ended
                : fields.Length > 19 && ulong.TryParse(fields[19], CultureInfo.InvariantCulture, out var ticks) ? ticks : 0;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (IOException)
        {
            // ESRCH: it ended while its file was read.
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static uint ReadBoot()
    {
        try
        {
            // systemd-nspawn and LXC give each container a number of its own, by a mount over the kernel's file.
            return !File.ReadAllText("/proc/self/mountinfo").Contains($" {BootFile} ", StringComparison.Ordinal)
                && uint.Parse(File.ReadAllText(BootFile).AsSpan(0, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture) is not 0 and var boot ? boot : UnknownBoot;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or ArgumentOutOfRangeException)
        {
            return UnknownBoot;
        }
    }

    /// <summary>The inode of one of this process's namespaces; 0: unknown.</summary>
    private static ulong InodeOf(string kind)
    {
        try
        {
            // "pid:[4026531836]"
            var target = new FileInfo($"/proc/self/ns/{kind}").LinkTarget ?? "";
            return uint.TryParse(target.AsSpan(target.IndexOf('[', StringComparison.Ordinal) + 1).TrimEnd(']'), CultureInfo.InvariantCulture, out var inode) ? inode : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    /// <summary>What is read of /proc once, at the first join.</summary>
    private static class Own
    {
        internal static readonly uint Boot = ReadBoot();
        internal static readonly ulong PidNamespace = InodeOf("pid");
        internal static readonly ulong Space = PidNamespace == 0 || InodeOf("time") is 0 or FirstTimeNamespace ? PidNamespace : PidNamespace | (InodeOf("time") << 32);
        internal static readonly ulong StartTime = StartTimeOf("self") ?? 0;
    }
}
