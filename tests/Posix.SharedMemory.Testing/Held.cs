using System.Globalization;

namespace Posix.SharedMemory.Testing;

/// <summary>What this process holds, by /proc's account.</summary>
public static class Held
{
    /// <summary>The lines of /proc/self/maps that show an object, by its number: its path there may be that of before it had one.</summary>
    public static IReadOnlyList<string> Mappings(SharedMemoryObject memory) => Mappings(memory.GetStatus().Identity);

    /// <inheritdoc cref="Mappings(SharedMemoryObject)"/>
    public static IReadOnlyList<string> Mappings(ObjectIdentity identity) =>
    [
        .. Lines("maps").Where(line =>
            line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, _, _, var device, var number, ..]
            && number == identity.Inode.ToString(CultureInfo.InvariantCulture)
            && device.Split(':').Select(part => ulong.Parse(part, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray() is [var major, var minor]
            && LinuxFiles.MakeDevice(major, minor) == identity.Device),
    ];

    /// <summary>What is open of the files whose paths contain something.</summary>
    public static IReadOnlyList<string> Descriptors(string path) =>
    [
        .. Directory.EnumerateFileSystemEntries("/proc/self/fd")
            .Select(entry => new FileInfo(entry).LinkTarget ?? "")
            .Where(target => target.Contains(path, StringComparison.Ordinal)),
    ];

    /// <summary>How many ranges without any access there are, of at least so many bytes: neighbours may have become one.</summary>
    public static int Reserves(long atLeast) => Lines("maps").Count(line =>
    {
        var ends = line[..line.IndexOf(' ', StringComparison.Ordinal)].Split('-').Select(text => long.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray();
        return line.Contains(" ---p ", StringComparison.Ordinal) && ends[1] - ends[0] >= atLeast;
    });

    /// <summary>The fields of /proc/self/smaps for the range that holds an address, such as <c>ShmemPmdMapped</c> in KiB and <c>VmFlags</c>.</summary>
    public static IReadOnlyDictionary<string, string> RangeAt(nint address)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        var inside = false;
        foreach (var line in Lines("smaps"))
        {
            var first = line.Split(' ')[0];
            if (!first.EndsWith(':'))
            {
                var ends = first.Split('-').Select(text => nint.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray();
                inside = address >= ends[0] && address < ends[1];
            }
            else if (inside)
            {
                fields[first[..^1]] = line[first.Length..].Trim();
            }
        }

        return fields;
    }

    /// <summary>Whether the range that holds an address has one of the flags of proc(5), such as <c>wr</c>.</summary>
    public static bool HasFlag(nint address, string flag) => RangeAt(address)["VmFlags"].Split(' ').Contains(flag, StringComparer.Ordinal);

    /// <summary>The lines of a file in /proc/self. They end at line feeds alone: the path of what a neighbouring test mapped may hold a carriage return.</summary>
    public static IEnumerable<string> Lines(string file) => File.ReadAllText("/proc/self/" + file).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>A number of KiB among these fields.</summary>
    public static long Kibibytes(IReadOnlyDictionary<string, string> fields, string name) =>
        long.Parse(fields[name].Split(' ')[0], CultureInfo.InvariantCulture);
}
