using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>How the other process ends, and how it competes.</summary>
internal static partial class Ends
{
    internal static string Act(string line, Roster roster, MemoryMapping mapping)
    {
        switch (line)
        {
            case "exit":
                Environment.Exit(0);
                return "";
            case "fail":
                Environment.FailFast("a test");
                return "";
            case "throw":
                new Thread(() => throw new InvalidTimeZoneException("a test")).Start();
                Thread.Sleep(Timeout.Infinite);
                return "";
            case "overflow":
                // The runtime prints each frame: of a small stack there are few.
                var overflowing = new Thread(() => Overflow(0), 256 << 10);
                overflowing.Start();
                overflowing.Join();
                return "";
            case "exec":
                execv("/bin/sleep", ["sleep", "600", null]);
                return "not executed";
            case "devour":
                Devour();
                return "";
            case "exit while threads wait":
                ExitWhileThreadsWait(roster, mapping);
                return "";
            case "compete":
                return Compete(SharedMutex.At(roster, Memory.Mutex));
            default:
                return $"unknown command '{line}'";
        }
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int execv(string path, string?[] arguments);

    private static int Overflow(int depth) => depth < 0 ? depth : Overflow(depth + 1) + Overflow(depth + 2);

    /// <summary>Takes memory until the kernel ends this process.</summary>
    private static unsafe void Devour()
    {
        for (var blocks = new List<nint>(); ;)
        {
            var block = (byte*)NativeMemory.Alloc(1 << 20);
            new Span<byte>(block, 1 << 20).Fill(1);
            blocks.Add((nint)block);
        }
    }

    private static void ExitWhileThreadsWait(Roster roster, MemoryMapping mapping)
    {
        var mutex = SharedMutex.At(roster, Memory.Mutex);
        var count = SharedEventCount.At(roster, Memory.EventCount);
        for (var i = 0; i < 3; i++)
        {
            new Thread(() => mutex.Enter()) { IsBackground = true }.Start();
            new Thread(() => count.Wait(count.PrepareWait(), Timeout.InfiniteTimeSpan)) { IsBackground = true }.Start();
            new Thread(() => SharedSemaphore.Open(mapping, Memory.Semaphore).Wait()) { IsBackground = true }.Start();
            _ = mutex.EnterAsync().AsTask();
            _ = roster.WaitForEndAsync(new(roster.Self.Value ^ 1));
        }

        Thread.Sleep(50);
    }

    /// <summary>Enters and leaves for a second, a microsecond inside at a time.</summary>
    /// <returns>How often, and the longest wait in microseconds.</returns>
    private static string Compete(SharedMutex mutex)
    {
        long entries = 0, longest = 0;
        var microsecond = Stopwatch.Frequency / 1_000_000;
        for (var end = Stopwatch.GetTimestamp() + Stopwatch.Frequency; ;)
        {
            var before = Stopwatch.GetTimestamp();
            if (before > end)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{entries} {longest / microsecond}");
            }

            using var hold = mutex.Enter();
            var inside = Stopwatch.GetTimestamp();
            longest = Math.Max(longest, inside - before);
            entries++;
            while (Stopwatch.GetTimestamp() - inside < microsecond)
            {
                // Inside.
            }
        }
    }
}
