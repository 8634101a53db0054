using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>The memory that this process's control group may take, shared memory included: beyond it the kernel kills.</summary>
/// <param name="Limit">The tightest limit from the group up to the root.</param>
/// <param name="Used">What the group with that limit takes now.</param>
internal readonly record struct CgroupMemory(long Limit, long Used)
{
    private const string Hierarchy = "/sys/fs/cgroup";

    /// <summary>Finds the limit; <see langword="null"/> where there is none.</summary>
    /// <param name="root">What stands for the root directory, in a test.</param>
    internal static CgroupMemory? Find(string root = "")
    {
        CgroupMemory? tightest = null;
        foreach (var (directory, limitFile, usedFile) in Groups(root))
        {
            // "max", and version 1's number near the largest, are no limits.
            if (Read(directory, limitFile) is { } limit and < long.MaxValue / 2 && Read(directory, usedFile) is { } used && !(tightest?.Limit <= limit))
            {
                tightest = new(limit, used);
            }
        }

        return tightest;
    }

    /// <summary>This process's group and those above it. In a container the path may be one that is not to be seen: the root is then the group.</summary>
    private static IEnumerable<(string Directory, string LimitFile, string UsedFile)> Groups(string root)
    {
        foreach (var line in Lines(root + "/proc/self/cgroup"))
        {
            // 0::/path, or in version 1 N:memory:/path.
            var fields = line.Split(':', 3);
            if (fields is not [_, var controllers, var path] || (controllers.Length > 0 && !controllers.Split(',').Contains("memory", StringComparer.Ordinal)))
            {
                continue;
            }

            var isUnified = controllers.Length == 0;
            var top = root + (isUnified ? Hierarchy : $"{Hierarchy}/memory");
            for (var group = path.TrimEnd('/'); ; group = group[..group.LastIndexOf('/')])
            {
                yield return isUnified ? (top + group, "memory.max", "memory.current") : (top + group, "memory.limit_in_bytes", "memory.usage_in_bytes");
                if (group.Length == 0)
                {
                    break;
                }
            }
        }
    }

    private static long? Read(string directory, string file) =>
        Lines(Path.Combine(directory, file)).FirstOrDefault() is { } text && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No such group here.
            return [];
        }
    }
}
