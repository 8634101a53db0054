using System.Globalization;

namespace Posix.SharedMemory;

/// <summary>Looks through /proc for the processes that map an object or have it open.</summary>
/// <remarks><see href="https://man7.org/linux/man-pages/man5/proc.5.html">proc(5)</see></remarks>
internal sealed class LinuxProcessScan(LinuxPlatform platform)
{
    internal SharedMemoryHolders Find(ObjectIdentity identity)
    {
        if (!Directory.Exists("/proc/self"))
        {
            throw new PlatformNotSupportedException("Who holds an object is found in /proc, which is not mounted here.");
        }

        var holders = new List<SharedMemoryHolder>();
        var unreadable = new List<int>();
        foreach (var id in ProcessIds())
        {
            // What cannot be read is either none of this user's business or gone meanwhile; only the first is unknown.
            var mappings = ReadOrNull(() => MappingsOf(id, identity));
            var descriptors = ReadOrNull(() => DescriptorsOf(id, identity));
            if (mappings is { Count: > 0 } || descriptors is { Count: > 0 })
            {
                holders.Add(new()
                {
                    ProcessId = id,
                    Command = ReadOrNull(() => File.ReadAllText($"/proc/{id}/comm").TrimEnd('\n')) ?? "",
                    Mappings = mappings ?? [],
                    Descriptors = descriptors ?? [],
                });
            }

            if ((mappings is null || descriptors is null) && MayHold(id))
            {
                unreadable.Add(id);
            }
        }

        return new(holders, unreadable);
    }

    /// <summary>Whether there is such a process, and not one of the kernel's own, which hold nothing.</summary>
    private static bool MayHold(int id)
    {
        const uint PF_KTHREAD = 0x00200000;
        var stat = ReadOrNull(() => File.ReadAllText($"/proc/{id}/stat"));
        if (stat is null)
        {
            return false;
        }

        // The command, in parentheses, may hold anything; the flags are the seventh field behind it.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return !uint.TryParse(fields.ElementAtOrDefault(6), CultureInfo.InvariantCulture, out var flags) || (flags & PF_KTHREAD) == 0;
    }

    private static IEnumerable<int> ProcessIds() =>
        Directory.EnumerateDirectories("/proc")
            .Select(path => int.TryParse(Path.GetFileName(path.AsSpan()), CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id > 0)
            .Order();

    private static T? ReadOrNull<T>(Func<T> read)
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
    private static List<HeldMapping> MappingsOf(int id, ObjectIdentity identity)
    {
        var found = new List<HeldMapping>();
        Span<Range> fields = stackalloc Range[6];
        foreach (var line in File.ReadLines($"/proc/{id}/maps"))
        {
            var text = line.AsSpan();
            if (text.Split(fields, ' ', StringSplitOptions.RemoveEmptyEntries) < 5
                || !ulong.TryParse(text[fields[4]], CultureInfo.InvariantCulture, out var number)
                || number != identity.Number
                || DeviceOf(text[fields[3]]) != identity.Device)
            {
                continue;
            }

            var range = text[fields[0]];
            var dash = range.IndexOf('-');
            var start = ulong.Parse(range[..dash], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var end = ulong.Parse(range[(dash + 1)..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var protection = text[fields[1]];
            found.Add(new(
                start,
                (long)(end - start),
                long.Parse(text[fields[2]], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                protection[1] == 'w' ? FileAccess.ReadWrite : FileAccess.Read,
                IsPrivate: protection[3] == 'p'));
        }

        return found;
    }

    private List<HeldDescriptor> DescriptorsOf(int id, ObjectIdentity identity)
    {
        var found = new List<HeldDescriptor>();
        foreach (var path in Directory.EnumerateFileSystemEntries($"/proc/{id}/fd"))
        {
            if (platform.IdentityBehind(path) == identity)
            {
                var number = int.Parse(Path.GetFileName(path.AsSpan()), CultureInfo.InvariantCulture);
                found.Add(new(number, ReadOrNull(() => (object)AccessOf(id, number)) as FileAccess? ?? FileAccess.Read));
            }
        }

        return found;
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
