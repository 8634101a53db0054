using System.Globalization;

namespace Posix.SharedMemory.TestPeer;

/// <summary>Commands that share file-backed regions with a test.</summary>
internal static class Regions
{
    /// <summary>
    /// <c>region-act PATH</c>: does one thing per line, and answers with <c>ok</c>, a result, or an exception's type and errno.
    /// </summary>
    internal static void Act(string[] arguments)
    {
        MappedRegion? region = null;
        Console.WriteLine("ready");
        while (Console.ReadLine() is { } line)
        {
            try
            {
                Console.WriteLine(Act(ref region, arguments[0], line.Split(' ')));
            }
            catch (Exception e) when (e is SharedMemoryException or IOException or ArgumentException or InvalidOperationException)
            {
                Console.WriteLine($"{e.GetType().Name} {(e as SharedMemoryException)?.Errno}".TrimEnd());
            }
        }

        region?.Dispose();
    }

    /// <summary>
    /// <c>region-grow PATH NUMBER ROUNDS ADDRESS_SPACE BACKING</c>: claims space at the end, makes the region as long as that needs, and fills it;
    /// several do so at once. Then waits for a line and checks every byte of all of them.
    /// </summary>
    /// <remarks>
    /// The region starts with the end of what is claimed and the rounds of maker 1 and maker 2, in 8 bytes each. A claim is: its length in 2
    /// bytes, its maker in 1, and then bytes that tell their place.
    /// </remarks>
    internal static void Grow(string[] arguments)
    {
        var (number, rounds) = (byte.Parse(arguments[1], CultureInfo.InvariantCulture), Number(arguments[2]));
        using var region = MappedRegion.Attach(arguments[0], new() { AddressSpace = Number(arguments[3]), Backing = Enum.Parse<Backing>(arguments[4]) });
        Console.WriteLine("ready");
        Console.ReadLine();
        long interleaved = 0, last = 0;
        for (var round = 0L; round < rounds; round++)
        {
            // Neither gets far ahead: they are to grow at the same time, not one after the other.
            Volatile.Write(ref region.Mapping.GetReference<long>(8 * number), round);
            for (var wait = default(SpinWait);
                round > 4 + Volatile.Read(ref region.Mapping.GetReference<long>(8 * (3 - number)));
                wait.SpinOnce(sleep1Threshold: -1))
            {
            }

            var size = 3 + (int)((round * 38) % 97);
            var end = Interlocked.Add(ref region.Mapping.GetReference<long>(0), size);
            interleaved += end - size != last ? 1 : 0;
            last = end;
            region.CheckAndRemap();
            if (end > region.Length)
            {
                region.Resize(end);
            }

            var claim = region.Mapping.GetSpan(end - size, size);
            if (claim.ContainsAnyExcept((byte)0))
            {
                throw new InvalidOperationException($"Round {round}: what the region grew by at {end - size} is not zero.");
            }

            Fill(claim, number, end - size);
        }

        Volatile.Write(ref region.Mapping.GetReference<long>(8 * number), long.MaxValue / 2);
        Console.WriteLine(interleaved);
        Console.ReadLine();
        Console.WriteLine(Check(region));
    }

    private static string Act(ref MappedRegion? region, string path, string[] words)
    {
        switch (words)
        {
            case ["create", var length, var cleanup]:
                region = MappedRegion.Create(path, Number(length), Enum.Parse<FileCleanup>(cleanup), new() { Backing = Backing.Sparse });
                return "ok";
            case ["create", var length, var cleanup, var permissions]:
                var mode = (UnixFileMode)Convert.ToInt32(permissions, 8);
                region = MappedRegion.Create(path, Number(length), Enum.Parse<FileCleanup>(cleanup), new() { Permissions = mode });
                return "ok";
            case ["attach"]:
                region = MappedRegion.Attach(path);
                return "ok";
            case ["descriptor"]:
                return region!.SafeFileHandle.DangerousGetHandle().ToString(CultureInfo.InvariantCulture);
            case ["fill", var value]:
                region!.Mapping.GetSpan().Fill((byte)Number(value));
                return "ok";
            case ["sees", var value]:
                return region!.Mapping.GetReadOnlySpan().ContainsAnyExcept((byte)Number(value)) ? "no" : "yes";
            case ["resize", var length]:
                region!.Resize(Number(length));
                return "ok";
            case ["follow"]:
                return region!.CheckAndRemap() ? "grown" : "same";
            case ["length"]:
                return region!.Length.ToString(CultureInfo.InvariantCulture);
            case ["flush"]:
                region!.Mapping.Flush(0, region.Length);
                return "ok";
            case ["release"]:
                region!.ReleaseOwnership();
                return "ok";
            case ["leave"]:
                Directory.SetCurrentDirectory("/");
                return "ok";
            case ["dispose"]:
                region!.Dispose();
                return "ok";
            default:
                throw new NotSupportedException(string.Join(' ', words));
        }
    }

    private static void Fill(Span<byte> claim, byte number, long start)
    {
        for (var at = 3; at < claim.Length; at++)
        {
            claim[at] = (byte)(number + start + at);
        }

        (claim[0], claim[1], claim[2]) = ((byte)claim.Length, (byte)(claim.Length >> 8), number);
    }

    /// <summary>Walks all claims: how many bytes there are by each maker, or what is wrong.</summary>
    private static string Check(MappedRegion region)
    {
        region.CheckAndRemap();
        var end = Volatile.Read(ref region.Mapping.GetReference<long>(0));
        if (region.Length != end)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{region.Length} bytes, {end} claimed");
        }

        var claims = new SortedDictionary<byte, long>();
        Span<byte> expected = stackalloc byte[100];
        for (var start = 24L; start < end;)
        {
            var head = region.Mapping.GetReadOnlySpan(start, 3);
            var size = head[0] | (head[1] << 8);
            if (size is < 3 or > 100)
            {
                return string.Create(CultureInfo.InvariantCulture, $"no claim at {start}");
            }

            Fill(expected[..size], head[2], start);
            if (!expected[..size].SequenceEqual(region.Mapping.GetReadOnlySpan(start, size)))
            {
                return string.Create(CultureInfo.InvariantCulture, $"other bytes at {start}");
            }

            claims[head[2]] = claims.GetValueOrDefault(head[2]) + 1;
            start += size;
        }

        return string.Join(' ', claims.Select(claim => $"{claim.Key}:{claim.Value}"));
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
