using System.Text;

namespace Posix.SharedMemory;

/// <summary>Finds the control groups of this process, from its own up to the root, in both versions.</summary>
/// <remarks><see href="https://man7.org/linux/man-pages/man7/cgroups.7.html">cgroups(7)</see></remarks>
internal static class LinuxControlGroups
{
    /// <summary>Where systemd and container engines mount them.</summary>
    private const string UsualMount = "/sys/fs/cgroup";

    private static readonly Lock s_lock = new();

    // The list is made again when this process is moved to another group.
    private static byte[] s_text = [];
    private static IReadOnlyList<LinuxControlGroup> s_groups = [];

    /// <summary>The groups that limit this process's memory. Where /proc does not say which they are, those that the mounts show as their roots: in a container its own.</summary>
    /// <param name="root">What stands for the root directory, in a test.</param>
    internal static IReadOnlyList<LinuxControlGroup> OfThisProcess(string root)
    {
        if (!LinuxText.TryRead($"{root}/proc/self/cgroup", out var text))
        {
            return [.. ReadMounts(root).Select(mount => new LinuxControlGroup(root + mount.Point.TrimEnd('/'), mount.IsUnified))];
        }

        using (text)
        {
            if (root.Length > 0)
            {
                return Find(text.Bytes, root);
            }

            lock (s_lock)
            {
                if (!text.Bytes.SequenceEqual(s_text))
                {
                    s_groups = Find(text.Bytes, root);
                    s_text = text.Bytes.ToArray();
                }

                return s_groups;
            }
        }
    }

    private static List<LinuxControlGroup> Find(ReadOnlySpan<byte> text, string root)
    {
        var groups = new List<LinuxControlGroup>();
        var mounts = ReadMounts(root);
        foreach (var line in Encoding.UTF8.GetString(text).Split('\n'))
        {
            // 0::/path, or in version 1 N:memory,other:/path.
            var fields = line.Split(':', 3);
            var isUnified = fields is ["0", "", _];
            if (isUnified || (fields is [_, var controllers, _] && controllers.Split(',').Contains("memory", StringComparer.Ordinal)))
            {
                foreach (var mount in mounts.Where(mount => mount.IsUnified == isUnified))
                {
                    AddUpToTheRoot(groups, root + mount.Point, PathBelow(mount.Root, fields[2]), isUnified);
                }
            }
        }

        return groups;
    }

    /// <summary>Where hierarchies with the memory controller are mounted, and which of their groups stands there.</summary>
    private static List<(string Point, string Root, bool IsUnified)> ReadMounts(string root)
    {
        var mounts = new List<(string Point, string Root, bool IsUnified)>();
        if (LinuxText.TryRead($"{root}/proc/self/mountinfo", out var text))
        {
            using (text)
            {
                foreach (var range in text.Lines())
                {
                    // 35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
                    var line = Encoding.UTF8.GetString(text[range]);
                    if (line.Split(" - ", 2) is [var place, var type]
                        && place.Split(' ') is [_, _, _, var shown, var point, ..]
                        && type.Split(' ') is [var name, _, var options, ..]
                        && (name == "cgroup2" || (name == "cgroup" && options.Split(',').Contains("memory", StringComparer.Ordinal))))
                    {
                        mounts.Add((Unescape(point), Unescape(shown), name == "cgroup2"));
                    }
                }
            }
        }

        return mounts.Count > 0 ? mounts : [(UsualMount, "/", true), ($"{UsualMount}/memory", "/", false)];
    }

    /// <summary>A group's path below the one that a mount shows as its root. In a container the path may be one outside: then nothing stands there, and the root is its own.</summary>
    private static string PathBelow(string shown, string path) =>
        shown != "/" && path.StartsWith(shown, StringComparison.Ordinal) && (path.Length == shown.Length || path[shown.Length] == '/') ? path[shown.Length..] : path;

    private static void AddUpToTheRoot(List<LinuxControlGroup> groups, string mount, string path, bool isUnified)
    {
        for (var group = path.TrimEnd('/'); ; group = group[..Math.Max(0, group.LastIndexOf('/'))])
        {
            groups.Add(new(mount.TrimEnd('/') + group, isUnified));
            if (group.Length == 0)
            {
                return;
            }
        }
    }

    /// <summary>mountinfo writes blanks, tabs, line feeds and backslashes as three octal digits.</summary>
    private static string Unescape(string text) => !text.Contains('\\')
        ? text
        : text.Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal)
            .Replace("\\012", "\n", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal);
}
