namespace Posix.SharedMemory.Tool;

/// <summary>Remembers the bytes of an object, to find out which of them have changed.</summary>
/// <remarks>
/// Only allocated pages are read and remembered: comparing a sparse object costs what it contains. The first 64 MiB are kept as copies. Of the rest, only digests are kept,
/// few enough to need little memory: of pages, or of groups of pages in long objects; a change there is reported as the whole group. When an object grows so far that the
/// groups become larger, changes in that part since the previous look are not reported.
/// </remarks>
internal sealed class ByteMemory
{
    private const int MostCopies = (64 << 20) / 4096, MostDigests = 1 << 16, Piece = 1 << 20;

    private static readonly int s_page = Environment.SystemPageSize;
    private static readonly byte[] s_zeros = new byte[s_page];

    private readonly Dictionary<long, byte[]> _copies = [];
    private readonly byte[] _buffer = new byte[Piece];
    private Dictionary<long, int> _digests = [];
    private long _groupBytes;

    /// <summary>Compares all bytes with those of the previous look.</summary>
    /// <returns>The ranges that have changed; what was added or cut off counts if it is not zero.</returns>
    internal List<ByteRange> Look(SharedMemoryObject memory)
    {
        var length = memory.Length;
        var canCompare = SetGroups(length);
        var changed = new List<ByteRange>();
        var seen = new HashSet<long>();
        var groups = new Dictionary<long, HashCode>();
        foreach (var range in memory.GetAllocatedRanges())
        {
            // A part that is cut off meanwhile is read short.
            for (long at = range.Offset / s_page * s_page, filled = 1; at < range.End && filled > 0; at += Piece)
            {
                var piece = _buffer.AsSpan(0, (int)Math.Min(Piece, range.End - at));
                filled = memory.Read(piece, at);
                for (var page = 0; page < filled; page += s_page)
                {
                    var number = (at + page) / s_page;
                    if (!Compare(number, piece[page..(int)Math.Min(page + s_page, filled)], canCompare, changed))
                    {
                        Digest(number, piece[page..(int)Math.Min(page + s_page, filled)], groups);
                    }
                    else if (_copies.ContainsKey(number))
                    {
                        seen.Add(number);
                    }
                }
            }
        }

        foreach (var gone in _copies.Keys.Where(number => !seen.Contains(number)).ToList())
        {
            AddDifferences(gone * s_page, _copies[gone], s_zeros, changed);
            _copies.Remove(gone);
        }

        CompareGroups(groups, length, canCompare, changed);
        changed.Sort((one, other) => one.Offset.CompareTo(other.Offset));
        return Joined(changed);
    }

    /// <summary>Chooses the size of the groups whose digests are kept.</summary>
    /// <returns>Whether the size is unchanged.</returns>
    private bool SetGroups(long length)
    {
        var before = _groupBytes;
        _groupBytes = s_page;
        while (length / _groupBytes > MostDigests)
        {
            _groupBytes *= 2;
        }

        if (before == _groupBytes || before == 0)
        {
            return true;
        }

        _digests.Clear();
        return false;
    }

    /// <summary>Compares a page with its copy, and keeps a copy if there is room.</summary>
    /// <returns>Whether the page was compared; otherwise its digest is needed.</returns>
    private bool Compare(long number, ReadOnlySpan<byte> now, bool canCompare, List<ByteRange> changed)
    {
        if (!_copies.TryGetValue(number, out var before))
        {
            if (!now.ContainsAnyExcept((byte)0))
            {
                // A page of zeros is the same as an absent one.
                return true;
            }

            if (_copies.Count >= MostCopies || _digests.ContainsKey(number * s_page / _groupBytes))
            {
                return false;
            }

            if (canCompare)
            {
                AddDifferences(number * s_page, s_zeros, now, changed);
            }

            before = _copies[number] = new byte[s_page];
        }
        else if (!before.AsSpan(0, now.Length).SequenceEqual(now))
        {
            AddDifferences(number * s_page, before, now, changed);
        }

        now.CopyTo(before);
        before.AsSpan(now.Length).Clear();
        return true;
    }

    private void Digest(long number, ReadOnlySpan<byte> now, Dictionary<long, HashCode> groups)
    {
        var group = number * s_page / _groupBytes;
        var digest = groups.GetValueOrDefault(group);
        digest.Add(number);
        digest.AddBytes(now);
        groups[group] = digest;
    }

    private void CompareGroups(Dictionary<long, HashCode> groups, long length, bool canCompare, List<ByteRange> changed)
    {
        var now = groups.ToDictionary(group => group.Key, group => group.Value.ToHashCode());
        foreach (var group in canCompare ? now.Keys.Union(_digests.Keys) : [])
        {
            var start = group * _groupBytes;
            if (start < length && !(now.TryGetValue(group, out var one) && _digests.TryGetValue(group, out var other) && one == other))
            {
                changed.Add(new(start, Math.Min(_groupBytes, length - start)));
            }
        }

        _digests = now;
    }

    // Two changes with a few unchanged bytes between them are reported as one: most changes are of a few words.
    private static void AddDifferences(long offset, ReadOnlySpan<byte> before, ReadOnlySpan<byte> now, List<ByteRange> changed)
    {
        const int Near = 8;
        for (var at = 0; at < now.Length;)
        {
            at += now[at..].CommonPrefixLength(before[at..now.Length]);
            if (at >= now.Length)
            {
                return;
            }

            int first = at, last = at;
            for (; at < now.Length && at <= last + Near; at++)
            {
                last = now[at] == before[at] ? last : at;
            }

            changed.Add(new(offset + first, last + 1 - first));
            at = last + 1;
        }
    }

    private static List<ByteRange> Joined(List<ByteRange> ranges)
    {
        var joined = new List<ByteRange>();
        foreach (var range in ranges)
        {
            if (joined.Count > 0 && joined[^1].End == range.Offset)
            {
                joined[^1] = joined[^1] with { Length = joined[^1].Length + range.Length };
            }
            else
            {
                joined.Add(range);
            }
        }

        return joined;
    }
}
