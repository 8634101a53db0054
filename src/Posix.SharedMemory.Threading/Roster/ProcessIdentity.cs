using System.Globalization;

namespace Posix.SharedMemory.Threading;

/// <summary>What this process says of itself in its seat, for people and for the second witness.</summary>
internal static class ProcessIdentity
{
    private static readonly Lazy<uint> s_boot = new(ReadBoot);
    private static readonly Lazy<ulong> s_namespace = new(ReadNamespace);
    private static readonly Lazy<ulong> s_startTime = new(() => StartTimeOf("self") ?? 0);
    private static readonly Lazy<bool> s_seesItself = new(() => File.ResolveLinkTarget("/proc/self", returnFinalTarget: false)?.Name == Text(Environment.ProcessId));

    /// <summary>Gets a number of this boot of the machine, never 0.</summary>
    internal static uint Boot => s_boot.Value;

    /// <summary>Gets the inode of this process's PID namespace; 0: unknown.</summary>
    internal static ulong PidNamespace => s_namespace.Value;

    /// <summary>Gets when this process started, in clock ticks since boot; 0: unknown.</summary>
    internal static ulong StartTime => s_startTime.Value;

    /// <summary>Gets whether /proc shows the PID namespace that this process is in.</summary>
    internal static bool ProcShowsThisNamespace => s_seesItself.Value;

    /// <summary>When a process of this namespace started. <see langword="null"/>: there is none with this number.</summary>
    internal static ulong? StartTimeOf(uint processId) => StartTimeOf(Text(processId));

    private static ulong? StartTimeOf(string process)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{process}/stat");
            // The command, in parentheses, may hold spaces and parentheses itself; the start time is the 20th field after it.
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return fields.Length > 19 && ulong.TryParse(fields[19], CultureInfo.InvariantCulture, out var ticks) ? ticks : 0;
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
            return uint.Parse(File.ReadAllText("/proc/sys/kernel/random/boot_id").AsSpan(0, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture) is not 0 and var boot ? boot : 1;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or ArgumentOutOfRangeException)
        {
            return 1;
        }
    }

    private static ulong ReadNamespace()
    {
        try
        {
            var target = new FileInfo("/proc/self/ns/pid").LinkTarget ?? "";
            return ulong.TryParse(target.AsSpan().TrimStart("pid:[").TrimEnd("]"), CultureInfo.InvariantCulture, out var inode) ? inode : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
}
