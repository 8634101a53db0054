using System.Buffers.Text;

namespace Posix.SharedMemory;

/// <summary>The kernel's list of all locks, where another program's lock hides those of this library: <c>F_OFD_GETLK</c> reports one lock, whichever was taken first.</summary>
/// <remarks><see href="https://man7.org/linux/man-pages/man5/proc_locks.5.html">proc_locks(5)</see></remarks>
internal static class LinuxLockList
{
    private const int Fields = 8;

    /// <summary>The kernel writes as much of the list at once as fits into a page: only then nothing changes in between.</summary>
    private static readonly int s_longestAtOnce = Environment.SystemPageSize - 128;

    /// <summary>Finds the locks on just one byte of an object.</summary>
    /// <returns>How many shared locks there are, whether there is an exclusive one, and whether these are certainly all; <see langword="null"/> where the list cannot be read.</returns>
    internal static (int Shares, bool IsExclusive, bool IsComplete)? Find(ObjectIdentity identity, RecordLock which)
    {
        if (!LinuxText.TryRead("/proc/locks", out var text))
        {
            return null;
        }

        using (text)
        {
            return Find(text, identity, which);
        }
    }

    private static (int Shares, bool IsExclusive, bool IsComplete) Find(LinuxText text, ObjectIdentity identity, RecordLock which)
    {
        var (shares, isExclusive, isSeen) = (0, false, false);
        Span<Range> fields = stackalloc Range[Fields + 1];
        foreach (var range in text.Lines())
        {
            // "1: OFDLCK ADVISORY  READ -1 00:1b:1044 4611686018427387904 4611686018427387904"; one that is waited for has an arrow after its number.
            var line = text[range];
            if (Split(line, fields) != Fields || !IsOf(line[fields[5]], identity))
            {
                continue;
            }

            // Another file system may show its objects under another number here: then none of their locks is found.
            isSeen = true;
            if (line[fields[1]].SequenceEqual("OFDLCK"u8) && IsAt(line[fields[6]], which) && IsAt(line[fields[7]], which))
            {
                var isShared = line[fields[3]].SequenceEqual("READ"u8);
                shares += isShared ? 1 : 0;
                isExclusive |= !isShared;
            }
        }

        return (shares, isExclusive, isSeen && text.Bytes.Length <= s_longestAtOnce);
    }

    private static int Split(ReadOnlySpan<byte> line, Span<Range> fields)
    {
        var count = 0;
        for (var at = 0; at < line.Length && count < fields.Length;)
        {
            var end = line[at..].IndexOf((byte)' ') is >= 0 and var length ? at + length : line.Length;
            if (end > at)
            {
                fields[count++] = at..end;
            }

            at = end + 1;
        }

        return count;
    }

    /// <summary>Returns whether a field is an object's: the numbers of its device in hexadecimal digits, and that of the inode.</summary>
    private static bool IsOf(ReadOnlySpan<byte> field, ObjectIdentity identity) =>
        Utf8Parser.TryParse(field, out uint major, out var first, 'x') && first < field.Length
        && Utf8Parser.TryParse(field[(first + 1)..], out uint minor, out var second, 'x') && first + second + 2 < field.Length
        && Utf8Parser.TryParse(field[(first + second + 2)..], out ulong inode, out _)
        && identity == new ObjectIdentity(LinuxFiles.MakeDevice(major, minor), inode);

    private static bool IsAt(ReadOnlySpan<byte> field, RecordLock which) => Utf8Parser.TryParse(field, out long at, out _) && at == (long)which;
}
