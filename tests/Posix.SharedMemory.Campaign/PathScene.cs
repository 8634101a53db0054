using System.Globalization;
using System.Security.Cryptography;

namespace Posix.SharedMemory.Campaign;

/// <summary>Two names on which another process does one operation and is killed, and what has to hold of them then.</summary>
internal sealed class PathScene : IDisposable
{
    private static int s_lengths = Random.Shared.Next(1 << 20);

    private readonly Session _session;
    private readonly FaultPath _path;

    internal PathScene(Session session, FaultPath path)
    {
        _session = session;
        _path = path;
        Name = TemporaryName.Of(session.Prefix + "a");
        Other = TemporaryName.Of(session.Prefix + "b");
        Length = 10_001 + (2 * (Interlocked.Increment(ref s_lengths) % (1 << 21)));
    }

    internal TemporaryName Name { get; }

    internal TemporaryName Other { get; }

    /// <summary>Gets the length by which an object is known that has only a temporary name.</summary>
    internal int Length { get; }

    internal string[] Arguments(int signal, int at) => ["path", _path.Name, Name, Other, Actor.Text(Length), Actor.Text(signal), Actor.Text(at)];

    /// <summary>What has the two names, in one line: length, permissions and digest.</summary>
    internal string[] State() => [.. new[] { Name, Other }.Select(name => StateOf(name))];

    /// <summary>What a kill may leave is what was there before, or what is there afterwards; and nothing that is in nobody's way.</summary>
    internal void Look(string killed, IReadOnlyList<string[]> allowed)
    {
        var state = State();
        var isAllowed = allowed.Any(one => one.SequenceEqual(state, StringComparer.Ordinal));
        if (!isAllowed)
        {
            _session.Violate($"{_path.Name}, {killed}: left [{string.Join("; ", state)}], not one of {string.Join(" ", allowed.Select(one => $"[{string.Join("; ", one)}]").Distinct(StringComparer.Ordinal))}");
        }

        if (Leftovers.TemporariesOf(Length) is { Count: > 0 } temporaries && (temporaries.Count > 1 || !_path.Name.StartsWith("Publish Replace", StringComparison.Ordinal)))
        {
            _session.Violate($"{_path.Name}, {killed}: temporary names are left: {string.Join(' ', temporaries)}");
        }
    }

    /// <summary>A survivor opens, reads, grows, takes the membership over, and publishes; nothing stops it, and nothing is left afterwards.</summary>
    internal void Survive(string killed)
    {
        try
        {
            _ = Watchdog.Run(() => SurviveAll(killed), "the survivors");
        }
        catch (Exception e) when (e is SharedMemoryException or TimeoutException)
        {
            _session.Violate($"{_path.Name}, {killed}: a survivor met {e.Message}");
        }
    }

    private bool SurviveAll(string killed)
    {
        foreach (var name in new[] { Name, Other })
        {
            if (SharedMemoryObject.TryOpen(name, FileAccess.ReadWrite, out var memory))
            {
                using (memory)
                {
                    var length = memory.Length;
                    memory.SetLength(length + 4097);
                    var grown = new byte[4097];
                    if (memory.Read(grown, length) != grown.Length || grown.AsSpan().ContainsAnyExcept((byte)0))
                    {
                        _session.Violate($"{_path.Name}, {killed}: what the survivor grew {name} by is not zero");
                    }
                }
            }

            SharedMemoryObject.OpenOrCreate(name, 100, out _, new() { Lifetime = Lifetime.UnlinkOnLastDispose }).Dispose();
            if (name.Exists)
            {
                _session.Violate($"{_path.Name}, {killed}: the name outlives the membership that a survivor has taken over");
            }

            SharedMemoryObject.Create(name, 10).Dispose();
            using (var next = SharedMemoryObject.CreateUnpublished(20))
            {
                next.Publish(name, RenameMode.Replace);
            }

            SharedMemoryObject.Unlink(name);
        }

        _ = MappedRegion.RemoveAbandonedTemporaries("/dev/shm");
        if (Leftovers.TemporariesOf(Length) is { Count: > 0 } temporaries)
        {
            _session.Violate($"{_path.Name}, {killed}: not recognized as abandoned: {string.Join(' ', temporaries)}");
        }

        return true;
    }

    public void Dispose()
    {
        Name.Dispose();
        Other.Dispose();
    }

    private string StateOf(TemporaryName name)
    {
        // Writing and copying are no single step, and neither is a file that they copy to.
        var writes = _path.Name.StartsWith("Write", StringComparison.Ordinal) || _path.Name.StartsWith("Copy", StringComparison.Ordinal)
            || _path.Name.StartsWith("Discard", StringComparison.Ordinal);
        if (writes && name == Other)
        {
            return "-";
        }

        if (!SharedMemoryObject.TryOpen(name, FileAccess.Read, out var memory))
        {
            return "absent";
        }

        using (memory)
        {
            var bytes = new byte[memory.Length];
            _ = memory.Read(bytes, 0);

            // By another length in each scene, one that was unpublished at first is the same.
            if (bytes.Length == Length)
            {
                return $"published {Convert.ToString((int)memory.Permissions, 8)} {(bytes.AsSpan().ContainsAnyExcept((byte)0) ? "written" : "zero")}";
            }

            var digest = writes ? "" : Convert.ToHexString(SHA256.HashData(bytes))[..8];
            return string.Create(CultureInfo.InvariantCulture, $"{bytes.Length} {Convert.ToString((int)memory.Permissions, 8)} {digest}");
        }
    }
}
