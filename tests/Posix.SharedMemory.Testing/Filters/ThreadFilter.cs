using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Testing;

/// <summary>Runs something on a thread of its own in front of which a filter of the kernel (seccomp) refuses calls. The filter ends with the thread.</summary>
/// <remarks>A thread that is started meanwhile by this one inherits the filter: <see cref="HasSpread"/>.</remarks>
internal static unsafe partial class ThreadFilter
{
    /// <summary>Gets why there are no filters here; <see langword="null"/> where there are.</summary>
    internal static string? Obstacle { get; } = FindObstacle();

    /// <summary>Runs an action behind a filter.</summary>
    /// <param name="calls">What it refuses; nothing where there are none.</param>
    /// <param name="errno">With which error.</param>
    /// <param name="action">What is run.</param>
    /// <returns>What it threw.</returns>
    internal static Exception? Run(IReadOnlyList<FilteredCall> calls, Errno errno, Action action)
    {
        Exception? thrown = null;
        var thread = new Thread(() =>
        {
            // Memory for what the thread allocates is found before the filter stands in front of it.
            GC.KeepAlive(new byte[4096]);
            try
            {
                Install(calls, errno);
                action();
            }
            catch (Exception e)
            {
                thrown = e;
            }
            finally
            {
                Mark("walk-end");
            }
        });
        thread.Start();
        if (!thread.Join(Watchdog.Limit))
        {
            throw new TimeoutException($"It did not end within {Watchdog.Limit.TotalSeconds} s.");
        }

        return thrown;
    }

    /// <summary>Returns whether a thread of this process has a filter, although no action runs: it was started behind one, and keeps it.</summary>
    internal static bool HasSpread()
    {
        var own = SeccompOf("self");
        var has = false;
        try
        {
            // The thread of the action may still be on its way out.
            Watchdog.Until(() => !(has = Threads().Any(thread => SeccompOf($"self/task/{thread}") != own && NameOf(thread) == "walk-end")), "the end of a thread");
        }
        catch (TimeoutException)
        {
            return true;
        }

        return has || Threads().Any(thread => SeccompOf($"self/task/{thread}") is { } found && found != own);
    }

    private static IEnumerable<string> Threads() => Directory.EnumerateDirectories("/proc/self/task").Select(path => Path.GetFileName(path));

    private static string? NameOf(string thread) => Read($"/proc/self/task/{thread}/comm")?.Trim();

    private static string? SeccompOf(string process) =>
        Read($"/proc/{process}/status") is { } text && text.IndexOf("Seccomp_filters:", StringComparison.Ordinal) is >= 0 and var at ? text[at..text.IndexOf('\n', at)] : null;

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            // The thread has ended.
            return null;
        }
    }

    private static void Install(IReadOnlyList<FilteredCall> calls, Errno errno)
    {
        const int PR_SET_NO_NEW_PRIVS = 38, PR_SET_SECCOMP = 22, SECCOMP_MODE_FILTER = 2;
        Mark("walk-begin");
        if (calls.Count == 0)
        {
            return;
        }

        ulong[] program = FilterRule.Compile(calls, errno);
        fixed (ulong* instructions = program)
        {
            var filter = new Program { Length = (ushort)program.Length, Instructions = instructions };
            if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, (nint)(&filter), 0, 0) != 0)
            {
                throw new NotSupportedException($"prctl: {Marshal.GetLastPInvokeErrorMessage()}");
            }
        }
    }

    /// <summary>Names the thread, for who traces it or lists it.</summary>
    private static void Mark(string name)
    {
        const int PR_SET_NAME = 15;
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        System.Text.Encoding.ASCII.GetBytes(name, bytes);
        fixed (byte* first = bytes)
        {
            _ = prctl(PR_SET_NAME, (nint)first, 0, 0, 0);
        }
    }

    private static string? FindObstacle() =>
        !OperatingSystem.IsLinux() ? "The kernel has no seccomp filters."
        : Run([new("none", [], new FilterRule(-2, -2))], Errno.EPERM, () => { }) is { } refused ? $"No filter can be put in front of a thread here: {refused.Message}"
        : null;

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nint argument2, nint argument3, nint argument4, nint argument5);

    /// <summary>A <c>struct sock_fprog</c>.</summary>
    private struct Program
    {
        internal ushort Length;
        internal ulong* Instructions;
    }
}
