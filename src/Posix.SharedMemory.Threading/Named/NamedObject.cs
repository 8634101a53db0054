namespace Posix.SharedMemory.Threading;

/// <summary>Opens and creates named locks: what the three kinds have in common.</summary>
internal static class NamedObject
{
    /// <summary>Creates an object; its name must be free.</summary>
    internal static NamedMemory Create(string name, uint kind, Func<int, int> lockSize, NamedOptions? options, Action<NamedMemory> makeLock)
    {
        name = NamedMemory.Plain(name);
        options ??= new();
        _ = Roster.SizeFor(options.Seats);
        return NamedMemory.TryCreate(name, kind, lockSize, options, makeLock) ?? throw new SharedMemoryException(Errno.EEXIST, "linkat", name);
    }

    /// <summary>Opens an object, or creates it.</summary>
    internal static NamedMemory OpenOrCreate(
        string name, out bool createdNew, uint kind, ReadOnlySpan<uint> kinds, Func<int, int> lockSize, NamedOptions? options, Action<NamedMemory> makeLock)
    {
        name = NamedMemory.Plain(name);
        options ??= new();
        _ = Roster.SizeFor(options.Seats);
        while (true)
        {
            createdNew = false;
            if (NamedMemory.TryOpen(name, kinds) is { } opened)
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
        NamedMemory.TryOpen(NamedMemory.Plain(name), kinds) ?? throw new WaitHandleCannotBeOpenedException($"No named lock is called '{name}'.");

    internal static TimeSpan Milliseconds(int timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(timeout, Timeout.Infinite);
        return TimeSpan.FromMilliseconds(timeout);
    }
}
