namespace Posix.SharedMemory.Threading;

/// <summary>Opens and creates named locks: what the three kinds have in common.</summary>
internal static class NamedObject
{
    /// <summary>How often to try to replace what was left behind.</summary>
    private const int Replacements = 3;

    /// <summary>Creates an object; its name must be free.</summary>
    internal static NamedMemory Create(string name, uint kind, Func<int, int> lockSize, NamedOptions? options, Action<NamedMemory> makeLock)
    {
        name = NamedMemory.Plain(name);
        options ??= new();
        _ = Roster.SizeFor(options.Seats);
        return NamedMemory.TryCreate(name, kind, lockSize, options, makeLock) ?? throw new SharedMemoryException(Errno.EEXIST, "Create", name, "an object has this name: open it with OpenOrCreate or OpenExisting, or choose another name");
    }

    /// <summary>Opens an object, or creates it.</summary>
    internal static NamedMemory OpenOrCreate(
        string name, out bool createdNew, uint kind, ReadOnlySpan<uint> kinds, Func<int, int> lockSize, NamedOptions? options, Action<NamedMemory> makeLock)
    {
        name = NamedMemory.Plain(name);
        options ??= new();
        _ = Roster.SizeFor(options.Seats);
        for (var attempt = 0; ; attempt++)
        {
            createdNew = false;
            // What was left behind is replaced; where that is refused again and again (another program's lock is in the way), it is opened as it is.
            if (NamedMemory.TryOpen(name, attempt < Replacements, kinds) is { } opened)
            {
                return opened;
            }

            createdNew = true;
            if (NamedMemory.TryCreate(name, kind, lockSize, options, makeLock) is { } created)
            {
                return created;
            }
        }
    }

    /// <summary>Opens an existing object.</summary>
    internal static NamedMemory OpenExisting(string name, params ReadOnlySpan<uint> kinds) =>
        NamedMemory.TryOpen(NamedMemory.Plain(name), refusesAbandoned: true, kinds) ?? throw new WaitHandleCannotBeOpenedException($"No named lock is called '{name}'.");

    internal static TimeSpan Milliseconds(int timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(timeout, Timeout.Infinite);
        return TimeSpan.FromMilliseconds(timeout);
    }
}
