namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The threads that the library has started in this process.</summary>
internal static class ServiceThreads
{
    internal static int Count() => Directory.GetDirectories("/proc/self/task").Count(IsOurs);

    /// <summary>How many of them sleep.</summary>
    internal static int CountInFutex() => Directory.GetDirectories("/proc/self/task").Count(task => IsOurs(task) && Begins(task, "wchan", "futex"));

    /// <summary>Whether the thread of this name sleeps on a futex.</summary>
    internal static bool IsInFutex(string thread) =>
        Directory.GetDirectories("/proc/self/task").Any(task => Begins(task, "comm", thread + "\n") && Begins(task, "wchan", "futex"));

    private static bool IsOurs(string task) => Begins(task, "comm", "shm ");

    private static bool Begins(string task, string file, string text)
    {
        try
        {
            return File.ReadAllText($"{task}/{file}").StartsWith(text, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            // It has ended since the directory was read.
            return false;
        }
    }
}
