using System.Globalization;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Tool;

/// <summary>The machine or container as the checks see it: its files, and what the library reports. Tests replace the root directory.</summary>
internal sealed class Machine(string root = "")
{
    /// <summary>Gets the room in /dev/shm; <see langword="null"/> if it is unknown.</summary>
    internal SharedMemoryUsage? Usage { get; init; }

    /// <summary>Gets the type of the file system of /dev/shm, found without /proc; <see langword="null"/> if it is unknown.</summary>
    internal string? FileSystem { get; init; }

    /// <summary>Gets how much memory the control group may use; <see langword="null"/> if it is not limited.</summary>
    internal MemoryLimit? MemoryLimit { get; init; }

    /// <summary>Gets the objects that no process uses and that were not written to for a day; <see langword="null"/> if they cannot be listed.</summary>
    internal IReadOnlyList<StaleObject>? Stale { get; init; } = [];

    /// <summary>Gets of how many other objects that were not written to for a day it is unknown whether a process uses them.</summary>
    internal int MaybeStale { get; init; }

    /// <summary>Gets the ends of channels whose processes died; <see langword="null"/> if objects cannot be listed.</summary>
    internal IReadOnlyList<DeadEnd>? DeadEnds { get; init; } = [];

    /// <summary>Gets how many objects cannot be read, and may be channels.</summary>
    internal int Unread { get; init; }

    /// <summary>Gets the user that owns what this process creates, found without /proc; <see langword="null"/> if it is unknown.</summary>
    internal uint? Creator { get; init; }

    /// <summary>Gets how much memory the machine or container has, found without /proc/meminfo; <see langword="null"/> if it is unknown.</summary>
    internal long? TotalMemory { get; init; }

    /// <summary>Gets the result of creating anonymous memory; <see langword="null"/> if it was not tried.</summary>
    internal Errno? AnonymousMemory { get; init; }

    /// <summary>Gets what locks between processes can do; <see langword="null"/> if there are none on this system, or it was not tried.</summary>
    internal (bool SleepOnSeveralWords, bool Fence, bool MarkDeaths)? Locks { get; init; }

    /// <summary>Examines this machine.</summary>
    internal static Machine OfThisSystem()
    {
        var (maybeStale, unread) = (0, 0);
        return new()
        {
            Usage = Try(() => (SharedMemoryUsage?)SharedMemoryDirectory.GetUsage()),
            FileSystem = Try(() => new DriveInfo("/dev/shm").DriveFormat),
            MemoryLimit = Try(SharedMemoryDirectory.GetMemoryLimit),
            Stale = Try(() => StaleObject.Find(out maybeStale)),
            MaybeStale = maybeStale,
            DeadEnds = Try(() => DeadEnd.Find(out unread)),
            Unread = unread,
            AnonymousMemory = TryAnonymousMemory(out var creator),
            Creator = creator,
            TotalMemory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes is > 0 and var total ? total : null,
            Locks = TryLocks(),
        };
    }

    private static (bool SleepOnSeveralWords, bool Fence, bool MarkDeaths)? TryLocks() =>
        Try(ThreadingSupport.Get) is { IsSupported: true } support ? (support.CanSleepOnSeveralWords, support.CanFence, support.DeathsAreMarked) : null;

    private static Errno? TryAnonymousMemory(out uint? creator)
    {
        creator = null;
        try
        {
            using var memory = SharedMemoryObject.CreateAnonymous();
            creator = Try(() => (uint?)memory.GetStatus().UserId);
            return Errno.None;
        }
        catch (SharedMemoryException e)
        {
            return e.Errno;
        }
        catch (PlatformNotSupportedException)
        {
            return Errno.ENOSYS;
        }
    }

    /// <summary>Gets the effective user of this process; <see langword="null"/> if it is unknown.</summary>
    internal uint? User => uint.TryParse(Status("Uid").Split('\t', StringSplitOptions.RemoveEmptyEntries).ElementAtOrDefault(1), CultureInfo.InvariantCulture, out var user) ? user : Creator;

    internal bool Exists(string path) => File.Exists(root + path) || Directory.Exists(root + path);

    internal UnixFileMode? ModeOf(string path) => !OperatingSystem.IsWindows() && Exists(path) ? File.GetUnixFileMode(root + path) : null;

    /// <summary>The text of a small file, without the final line break; <see langword="null"/> if it cannot be read.</summary>
    internal string? Read(string path) => Try(() => File.ReadAllText(root + path).TrimEnd('\n'));

    /// <summary>The lines of a file. They end at line feeds only: a carriage return may be part of a name.</summary>
    internal IReadOnlyList<string> Lines(string path) => Read(path)?.Split('\n') ?? [];

    internal long? Number(string path) => long.TryParse(Read(path), CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>The files in a directory whose names end in something, as paths from the root, sorted.</summary>
    internal IReadOnlyList<string> Files(string directory, string ending) =>
        Try(() => Directory.GetFiles(root + directory, "*" + ending).Select(path => path[root.Length..]).Order(StringComparer.Ordinal).ToArray()) ?? [];

    /// <summary>A field of /proc/self/status; empty if it is missing.</summary>
    internal string Status(string field) => Field("/proc/self/status", field) ?? "";

    /// <summary>Bytes from a line of /proc/meminfo.</summary>
    internal long? Memory(string field)
    {
        var words = Field("/proc/meminfo", field)?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) ?? [];
        return words.Length > 0 && long.TryParse(words[0], CultureInfo.InvariantCulture, out var number) ? number * (words is [_, "kB"] ? 1024 : 1) : null;
    }

    /// <summary>The mount at a path: its type and options. <see langword="null"/> where nothing is mounted just there.</summary>
    internal (string Type, string[] Options)? Mount(string path)
    {
        var target = Target(path);
        return Lines("/proc/self/mounts").Select(line => line.Split(' ')).LastOrDefault(fields => fields.Length > 3 && fields[1] == target) is { } found ? (found[2], found[3].Split(',')) : null;
    }

    /// <summary>Gets whether the list of mounts can be read.</summary>
    internal bool CanSeeMounts => Lines("/proc/self/mounts").Count > 0;

    /// <summary>Where a symbolic link leads: /dev/shm is one to /run/shm on some systems.</summary>
    private string Target(string path)
    {
        const int MostLinks = 8;
        for (var links = 0; links < MostLinks && Try(() => new DirectoryInfo(root + path).LinkTarget) is { } target; links++)
        {
            path = Path.GetFullPath(target, Path.GetDirectoryName(path)!);
        }

        return path;
    }

    /// <summary>Gets whether the limits can be read.</summary>
    internal bool CanSeeLimits => Lines("/proc/self/limits").Count > 0;

    /// <summary>The soft limit in a line of /proc/self/limits: -1 if unlimited, <see langword="null"/> if it cannot be read.</summary>
    internal long? Limit(string name)
    {
        // Max locked memory         8388608              8388608              bytes
        var line = Lines("/proc/self/limits").FirstOrDefault(line => line.StartsWith(name + "  ", StringComparison.Ordinal));
        return line?[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [var soft, ..] ? null
            : soft == "unlimited" ? -1
            : long.TryParse(soft, CultureInfo.InvariantCulture, out var limit) ? limit : null;
    }

    /// <summary>Whether this process has a capability, by its number.</summary>
    internal bool HasCapability(int number) =>
        ulong.TryParse(Status("CapEff").Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var set) && (set >> number & 1) == 1;

    private string? Field(string path, string field) =>
        Lines(path).FirstOrDefault(line => line.StartsWith(field + ":", StringComparison.Ordinal))?[(field.Length + 1)..];

    private static T? Try<T>(Func<T?> look)
    {
        try
        {
            return look();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            // What cannot be seen is not a finding; the checks say where that matters.
            return default;
        }
    }
}
