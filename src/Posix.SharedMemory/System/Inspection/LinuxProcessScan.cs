using Posix.SharedMemory.Inspection;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using FoundObjects = System.Collections.Generic.Dictionary<
    Posix.SharedMemory.ObjectIdentity,
    (System.Collections.Generic.List<Posix.SharedMemory.Inspection.HeldMapping> Mappings, System.Collections.Generic.List<Posix.SharedMemory.Inspection.HeldDescriptor> Descriptors)>;

namespace Posix.SharedMemory;

/// <summary>Walks once through /proc for the processes that map objects or have them open.</summary>
/// <remarks><see href="https://man7.org/linux/man-pages/man5/proc.5.html">proc(5)</see></remarks>
/// <param name="files">Reports what links in /proc stand for.</param>
/// <param name="isWanted">Which objects are looked for.</param>
/// <param name="readsPaths">Whether to tell <paramref name="isWanted"/> the paths too, which costs a call for each descriptor.</param>
internal sealed class LinuxProcessScan(LinuxFiles files, LinuxProcessScan.Wanted isWanted, bool readsPaths = false)
{
    /// <summary>Whether an object is looked for; its path is what /proc shows, and empty where paths are not read.</summary>
    internal delegate bool Wanted(ObjectIdentity identity, ReadOnlySpan<char> path);

    internal SharedMemoryHolderIndex Walk()
    {
        if (!Directory.Exists("/proc/self"))
        {
            throw new PlatformNotSupportedException("The processes that hold an object are found in /proc, which is not mounted here.");
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
            var isMapsRead = TryAddMappings(id, found);
            var isDescriptorsRead = TryAddDescriptors(id, found);
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

    private static uint? UserOf(int id)
    {
        if (!LinuxText.TryRead(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/status"), out var text))
        {
            return null;
        }

        using (text)
        {
            // Uid:	1000	1000	1000	1000: real, effective, saved, and that for files.
            var users = text.LineAfter("Uid:\t"u8);
            return Utf8Parser.TryParse(users[(users.IndexOf((byte)'\t') + 1)..], out uint effective, out _) ? effective : null;
        }
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
            throw new SharedMemoryException(ErrnoNumbers.Read(e.HResult), "open", objectName: null, "/proc could not be listed");
        }
    }

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

    private bool TryAddMappings(int id, FoundObjects found)
    {
        if (!LinuxText.TryRead(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/maps"), out var text))
        {
            return false;
        }

        using (text)
        {
            foreach (var line in text.Lines())
            {
                if (MapsLine.TryParse(text[line], out var mapping, out var path)
                    && isWanted(mapping.Identity, readsPaths ? Encoding.UTF8.GetString(path) : ""))
                {
                    HeldBy(found, mapping.Identity).Mappings.Add(mapping.Held);
                }
            }
        }

        return true;
    }

    private bool TryAddDescriptors(int id, FoundObjects found) => ReadOrNull(() =>
    {
        foreach (var path in Directory.EnumerateFileSystemEntries($"/proc/{id}/fd"))
        {
            var target = readsPaths ? ReadOrNull(() => new FileInfo(path).LinkTarget) : null;
            if (files.StatBehind(path, out var status).IsSuccess && isWanted(status.Identity, target))
            {
                var number = int.Parse(Path.GetFileName(path.AsSpan()), CultureInfo.InvariantCulture);
                HeldBy(found, status.Identity).Descriptors.Add(new(number, AccessOf(id, number)));
            }
        }

        return found;
    }) is not null;

    private static (List<HeldMapping> Mappings, List<HeldDescriptor> Descriptors) HeldBy(FoundObjects found, ObjectIdentity identity)
    {
        if (!found.TryGetValue(identity, out var held))
        {
            found[identity] = held = ([], []);
        }

        return held;
    }

    private static FileAccess AccessOf(int id, int descriptor)
    {
        if (!LinuxText.TryRead(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/fdinfo/{descriptor}"), out var text))
        {
            return FileAccess.Read;
        }

        using (text)
        {
            // flags:	0100002: octal, the access mode in the last two bits.
            return text.LineAfter("flags:"u8) is [.., var last] && ((last - '0') & 3) != 0 ? FileAccess.ReadWrite : FileAccess.Read;
        }
    }
}
