namespace Posix.SharedMemory.Tool;

/// <summary>Remembers the bytes of an object, to tell which of them have changed.</summary>
/// <remarks>
/// Only pages that are there are read and remembered: looking at a sparse object costs what it holds. So much is kept as it is; of what is beyond, the
/// page's digest, and a change there is told as the whole page.
/// </remarks>
internal sealed class ByteMemory
{
    private const int MostCopies = (64 << 20) / 4096, Piece = 1 << 20;

    private static readonly int s_page = Environment.SystemPageSize;
    private static readonly byte[] s_zeros = new byte[s_page];

    private readonly Dictionary<long, byte[]> _copies = [];
    private readonly Dictionary<long, int> _digests = [];
    private readonly byte[] _buffer = new byte[Piece];

    /// <summary>Looks at all bytes again.</summary>
    /// <returns>Those that are not as they were; what has been added or cut off counts where it is not zero.</returns>
    internal List<ByteRange> Look(SharedMemoryObject memory)
    {
        var changed = new List<ByteRange>();
        var seen = new HashSet<long>();
        foreach (var range in memory.GetAllocatedRanges())
        {
            // A part that is cut off meanwhile reads short.
            for (long at = range.Offset / s_page * s_page, filled = 1; at < range.End && filled > 0; at += Piece)
            {
                var piece = _buffer.AsSpan(0, (int)Math.Min(Piece, range.End - at));
                filled = memory.Read(piece, at);
                for (var page = 0; page < filled; page += s_page)
                {
                    var number = (at + page) / s_page;
                    seen.Add(number);
                    Compare(number, piece[page..(int)Math.Min(page + s_page, filled)], changed);
                }
            }
        }

        foreach (var gone in _copies.Keys.Concat(_digests.Keys).Where(number => !seen.Contains(number)).ToList())
        {
            Compare(gone, s_zeros, changed);
            _copies.Remove(gone);
            _digests.Remove(gone);
        }

        changed.Sort((one, other) => one.Offset.CompareTo(other.Offset));
        return Joined(changed);
    }

    private void Compare(long number, ReadOnlySpan<byte> now, List<ByteRange> changed)
    {
        if (_digests.TryGetValue(number, out var digest))
        {
            _digests[number] = Digest(now);
            if (digest != _digests[number])
            {
                changed.Add(new(number * s_page, now.Length));
            }

            return;
        }

        if (!_copies.TryGetValue(number, out var before))
        {
            AddDifferences(number * s_page, s_zeros, now, changed);
            if (_copies.Count < MostCopies)
            {
                before = _copies[number] = new byte[s_page];
            }
            else
            {
                _digests[number] = Digest(now);
                return;
            }
        }
        else if (!before.AsSpan(0, now.Length).SequenceEqual(now))
        {
            AddDifferences(number * s_page, before, now, changed);
        }

        now.CopyTo(before);
        before.AsSpan(now.Length).Clear();
    }

    // Two changes with a few unchanged bytes between them are told as one: most are of a few words.
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

    private static int Digest(ReadOnlySpan<byte> bytes)
    {
        var digest = default(HashCode);
        digest.AddBytes(bytes);
        return digest.ToHashCode();
    }
}
