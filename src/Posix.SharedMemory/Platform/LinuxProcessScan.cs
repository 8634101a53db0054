using System.Globalization;
using FoundObjects = System.Collections.Generic.Dictionary<
    Posix.SharedMemory.ObjectIdentity,
    (System.Collections.Generic.List<Posix.SharedMemory.HeldMapping> Mappings, System.Collections.Generic.List<Posix.SharedMemory.HeldDescriptor> Descriptors)>;

namespace Posix.SharedMemory;

/// <summary>Walks once through /proc for the processes that map objects or have them open.</summary>
/// <remarks><see href="https://man7.org/linux/man-pages/man5/proc.5.html">proc(5)</see></remarks>
/// <param name="platform">The system.</param>
/// <param name="isWanted">Which objects are looked for.</param>
/// <param name="readsLinks">Whether to tell <paramref name="isWanted"/> the path behind a descriptor too, which costs a call for each.</param>
internal sealed class LinuxProcessScan(LinuxPlatform platform, LinuxProcessScan.Wanted isWanted, bool readsLinks = false)
{
    /// <summary>Whether an object is looked for; its path is what /proc shows.</summary>
    internal delegate bool Wanted(ObjectIdentity identity, ReadOnlySpan<char> path);

    internal SharedMemoryHolderIndex Walk()
    {
        if (!Directory.Exists("/proc/self"))
        {
            throw new PlatformNotSupportedException("Who holds an object is found in /proc, which is not mounted here.");
        }

        var holders = new Dictionary<ObjectIdentity, List<SharedMemoryHolder>>();
        var unreadable = new List<int>();
        if (!Directory.Exists("/proc/1"))
        {
            // With hidepid=2 other users' processes are not even listed. The first one always is there.
            unreadable.Add(1);
        }

        foreach (var id in ProcessIds())
        {
            var found = new FoundObjects();
            // What cannot be read is either none of this user's business or gone meanwhile; only the first is unknown.
            var isMapsRead = TryRead(() => AddMappings(id, found));
            var isDescriptorsRead = TryRead(() => AddDescriptors(id, found));
            if (found.Count > 0)
            {
                Add(holders, id, found);
            }

            if ((!isMapsRead || !isDescriptorsRead) && MayHold(id))
            {
                unreadable.Add(id);
            }
        }

        return new(holders, unreadable);
    }

    private static void Add(Dictionary<ObjectIdentity, List<SharedMemoryHolder>> holders, int id, FoundObjects found)
    {
        var command = ReadOrNull(() => File.ReadAllText($"/proc/{id}/comm").TrimEnd('\n')) ?? "";
        var commandLine = ReadOrNull(() => File.ReadAllText($"/proc/{id}/cmdline")) is { Length: > 0 } words ? words.TrimEnd('\0').Split('\0') : [];
        var user = UserOf(id);
        foreach (var (identity, (mappings, descriptors)) in found)
        {
            if (!holders.TryGetValue(identity, out var known))
            {
                holders[identity] = known = [];
            }

            known.Add(new()
            {
                ProcessId = id, Command = command, CommandLine = commandLine, UserId = user, Mappings = mappings, Descriptors = descriptors,
            });
        }
    }

    // The line "Uid:	1000	1000	1000	1000": real, effective, saved, and that for files.
    private static uint? UserOf(int id)
    {
        var line = ReadOrNull(() => File.ReadLines($"/proc/{id}/status").FirstOrDefault(line => line.StartsWith("Uid:", StringComparison.Ordinal)));
        return line?.Split('\t') is [_, _, var effective, ..] && uint.TryParse(effective, CultureInfo.InvariantCulture, out var user) ? user : null;
    }

    /// <summary>Whether there is such a process, and not one of the kernel's own, which hold nothing.</summary>
    private static bool MayHold(int id)
    {
        const uint PF_KTHREAD = 0x00200000;
        var stat = ReadOrNull(() => File.ReadAllText($"/proc/{id}/stat"));
        if (stat is null)
        {
            // Gone meanwhile; or there, and not to be looked into at all (/proc mounted with hidepid=1).
            return Directory.Exists($"/proc/{id}");
        }

        // The command, in parentheses, may hold anything; the flags are the seventh field behind it.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return !uint.TryParse(fields.ElementAtOrDefault(6), CultureInfo.InvariantCulture, out var flags) || (flags & PF_KTHREAD) == 0;
    }

    private static List<int> ProcessIds()
    {
        try
        {
            return
            [
                .. Directory.EnumerateDirectories("/proc")
                    .Select(path => int.TryParse(Path.GetFileName(path.AsSpan()), CultureInfo.InvariantCulture, out var id) ? id : 0)
                    .Where(id => id > 0)
                    .Order(),
            ];
        }
        catch (IOException e) when (e.HResult is > 0 and < 4096)
        {
            // No descriptor left, for one. The base library keeps the system's number there.
            throw new SharedMemoryException(new(e.HResult), "open", objectName: null, "/proc could not be listed");
        }
    }

    private static bool TryRead(Action read) => ReadOrNull(() =>
    {
        read();
        return "read";
    }) is not null;

    private static T? ReadOrNull<T>(Func<T?> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // A line: 7f0c4a000000-7f0c4a010000 rw-s 00002000 00:19 1234      /dev/shm/frames
    private void AddMappings(int id, FoundObjects found)
    {
        Span<Range> fields = stackalloc Range[6];
        foreach (var line in File.ReadLines($"/proc/{id}/maps"))
        {
            var text = line.AsSpan();
            var count = text.Split(fields, ' ', StringSplitOptions.RemoveEmptyEntries);
            if (count < 5
                || !ulong.TryParse(text[fields[4]], CultureInfo.InvariantCulture, out var number)
                || number == 0
                || new ObjectIdentity(DeviceOf(text[fields[3]]), number) is var identity && !isWanted(identity, count > 5 ? text[fields[5]] : ""))
            {
                continue;
            }

            var range = text[fields[0]];
            var dash = range.IndexOf('-');
            var start = ulong.Parse(range[..dash], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var end = ulong.Parse(range[(dash + 1)..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var protection = text[fields[1]];
            HeldBy(found, identity).Mappings.Add(new(
                start,
                (long)(end - start),
                long.Parse(text[fields[2]], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                protection[1] == 'w' ? FileAccess.ReadWrite : FileAccess.Read,
                IsPrivate: protection[3] == 'p'));
        }
    }

    private void AddDescriptors(int id, FoundObjects found)
    {
        foreach (var path in Directory.EnumerateFileSystemEntries($"/proc/{id}/fd"))
        {
            var target = readsLinks ? ReadOrNull(() => new FileInfo(path).LinkTarget) : null;
            if (platform.StatusBehind(path, out var status).IsSuccess && isWanted(status.Identity, target))
            {
                var number = int.Parse(Path.GetFileName(path.AsSpan()), CultureInfo.InvariantCulture);
                HeldBy(found, status.Identity).Descriptors.Add(new(number, ReadOrNull(() => (object)AccessOf(id, number)) as FileAccess? ?? FileAccess.Read));
            }
        }
    }

    private static (List<HeldMapping> Mappings, List<HeldDescriptor> Descriptors) HeldBy(FoundObjects found, ObjectIdentity identity)
    {
        if (!found.TryGetValue(identity, out var held))
        {
            found[identity] = held = ([], []);
        }

        return held;
    }

    // The line "flags:	0100002": octal, the access mode in the last two bits.
    private static FileAccess AccessOf(int id, int descriptor)
    {
        foreach (var line in File.ReadLines($"/proc/{id}/fdinfo/{descriptor}"))
        {
            if (line.StartsWith("flags:", StringComparison.Ordinal))
            {
                return (Convert.ToInt32(line["flags:".Length..].Trim(), 8) & 3) == 0 ? FileAccess.Read : FileAccess.ReadWrite;
            }
        }

        return FileAccess.Read;
    }

    private static ulong DeviceOf(ReadOnlySpan<char> text)
    {
        var colon = text.IndexOf(':');
        return LinuxPlatform.MakeDevice(
            ulong.Parse(text[..colon], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            ulong.Parse(text[(colon + 1)..], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }
}
