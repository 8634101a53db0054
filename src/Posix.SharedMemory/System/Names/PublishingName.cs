using System.Buffers;
using System.Globalization;

namespace Posix.SharedMemory;

/// <summary>The temporary names under which objects and files wait, for an instant, to replace another: <c>.shm-publish-</c> and 16 digits.</summary>
/// <remarks>
/// The last four digits are computed from the others, so that a name of a user's own which happens to look like one is not taken for one. The
/// maker holds a lock on the object (<see cref="RecordLock.Publishing"/>) for as long as it has such a name; the kernel gives it back when the maker ends.
/// </remarks>
internal static class PublishingName
{
    internal const string Prefix = ".shm-publish-";

    private const int RandomDigits = 12;
    private const int CheckDigits = 4;

    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789abcdef");

    /// <summary>Gets how many characters such a name has, which are as many bytes.</summary>
    internal static int Length => Prefix.Length + RandomDigits + CheckDigits;

    /// <summary>Makes a name for a maker that has the lock, or whose lock another program's is in the way of.</summary>
    internal static string Make()
    {
        var random = RandomText.Hex(RandomDigits);
        return $"{Prefix}{random}{Check(random)}";
    }

    /// <summary>Makes a name that is never taken for abandoned, for a maker that cannot have the lock: a filter refuses it, or the file system has none.</summary>
    internal static string MakeUnprovable() => Make() + "0";

    /// <summary>Returns whether a name is one that <see cref="Make"/> makes.</summary>
    internal static bool IsOne(string name) =>
        name.Length == Length && name.StartsWith(Prefix, StringComparison.Ordinal)
        && !name.AsSpan(Prefix.Length).ContainsAnyExcept(s_digits)
        && name.EndsWith(Check(name.AsSpan(Prefix.Length, RandomDigits)), StringComparison.Ordinal);

    private static string Check(ReadOnlySpan<char> random)
    {
        // FNV-1a, folded.
        var hash = 2166136261;
        foreach (var digit in random)
        {
            hash = (hash ^ digit) * 16777619;
        }

        return ((ushort)(hash ^ (hash >> 16))).ToString("x4", CultureInfo.InvariantCulture);
    }
}
