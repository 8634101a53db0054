using System.Globalization;

namespace Posix.SharedMemory.Testing;

/// <summary>What this process holds of shared memory, by /proc's account: descriptors with their locks, and mappings.</summary>
/// <param name="Descriptors">A line each: what is open, and how many locks are on it.</param>
/// <param name="Mappings">A line each, as in /proc/self/maps; <see langword="null"/> where nobody looked.</param>
public sealed record ProcessState(string Descriptors, string? Mappings)
{
    private HashSet<string> Ignored { get; init; } = [];

    /// <summary>Looks for the first time; what is open now does not count later.</summary>
    public static ProcessState Take(bool withMappings)
    {
        // The list holds the descriptor by which it was made too, whose number the next open gets: that one is gone by now.
        var numbers = Directory.GetFileSystemEntries("/proc/self/fd");
        return Take(withMappings, [.. numbers.Where(path => new FileInfo(path).LinkTarget is not null).Select(path => Path.GetFileName(path))]);
    }

    /// <summary>Looks again, at the same.</summary>
    public ProcessState TakeAgain() => Take(Mappings is not null, Ignored);

    private static ProcessState Take(bool withMappings, HashSet<string> ignored)
    {
        var descriptors = Directory.EnumerateFileSystemEntries("/proc/self/fd")
            .Select(path => Path.GetFileName(path))
            .Where(number => !ignored.Contains(number))
            .Select(number => (Number: number, Target: new FileInfo("/proc/self/fd/" + number).LinkTarget ?? ""))
            .Where(entry => entry.Target.StartsWith("/dev/shm/", StringComparison.Ordinal) || entry.Target is "/dev/shm" or "/dev/zero")
            .Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Target} with {LocksOn(entry.Number)} locks"))
            .Order(StringComparer.Ordinal);
        var mappings = !withMappings
            ? null
            : string.Join('\n', Held.Lines("maps").Where(line => line.Contains(" /dev/shm/", StringComparison.Ordinal)));
        return new(string.Join('\n', descriptors), mappings) { Ignored = ignored };
    }

    private static int LocksOn(string descriptor)
    {
        try
        {
            return File.ReadLines($"/proc/self/fdinfo/{descriptor}").Count(line => line.StartsWith("lock:", StringComparison.Ordinal));
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
