namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The threads that the library has started in this process.</summary>
internal static class ServiceThreads
{
    internal static int Count() => Directory.GetDirectories("/proc/self/task").Count(IsOurs);

    private static bool IsOurs(string task)
    {
        try
        {
            return File.ReadAllText(task + "/comm").StartsWith("shm ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            // It has ended since the directory was read.
            return false;
        }
    }
}
