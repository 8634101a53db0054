using Posix.SharedMemory.Inspection;

namespace Posix.SharedMemory.Threading;

/// <summary>The object behind a named lock: a roster, what kind of lock it is, and the lock. All objects of one name in a process share it.</summary>
internal sealed class NamedMemory
{
    internal const int FlagsAfterRoster = 4, LockAfterRoster = 64;
    internal const uint KeepFlag = 1;

    private const int KindAfterRoster = 0, PageSize = 4096;

    private static readonly Dictionary<ObjectIdentity, NamedMemory> s_open = [];
    private static readonly SharedMemoryOptions s_member = new() { Lifetime = Lifetime.UnlinkOnLastDispose };

    private readonly SharedMemoryObject _memory;
    private readonly ObjectIdentity _identity;
    private int _users = 1;

    private NamedMemory(SharedMemoryObject memory, MemoryMapping mapping, int seats)
    {
        _memory = memory;
        _identity = memory.GetStatus().Identity;
        Mapping = mapping;
        Roster = Roster.Join(mapping, 0, seats);
    }

    internal MemoryMapping Mapping { get; }

    internal Roster Roster { get; }

    /// <summary>Gets where the lock is.</summary>
    internal long LockOffset => Roster.SizeFor(Roster.Seats) + LockAfterRoster;

    /// <summary>Gets what is there: the tag of the lock's format.</summary>
    internal uint Kind => Volatile.Read(ref Mapping.GetReference<uint>(Roster.SizeFor(Roster.Seats) + KindAfterRoster));

    /// <summary>Creates the object with its lock complete before anybody sees the name; it replaces, in the same step, what users left that were killed.</summary>
    /// <returns><see langword="null"/>: the name is taken.</returns>
    internal static NamedMemory? TryCreate(string name, uint kind, Func<int, int> lockSize, NamedOptions options, Action<NamedMemory> makeLock)
    {
        Kernel.Current.RequireSeats();
        var start = Roster.SizeFor(options.Seats) + LockAfterRoster;
        var length = (start + lockSize(options.Seats) + PageSize - 1) / PageSize * PageSize;
        var memory = SharedMemoryObject.CreateUnpublished(length, new()
        {
            Permissions = options.Permissions,
            Lifetime = options.Lifetime,
            OnConflict = NameConflict.ReplaceAbandoned,
        });
        NamedMemory? named = null;
        MemoryMapping? mapping = null;
        try
        {
            mapping = memory.Map();
            named = new(memory, mapping, options.Seats);
            makeLock(named);
            mapping.GetReference<uint>(start - LockAfterRoster + FlagsAfterRoster) = options.Lifetime == Lifetime.UnlinkOnLastDispose ? 0 : KeepFlag;
            mapping.GetReference<uint>(start - LockAfterRoster + KindAfterRoster) = kind;
            lock (s_open)
            {
                memory.Publish(name);
                s_open.Add(named._identity, named);
            }

            return named;
        }
        catch (Exception e)
        {
            try
            {
                named?.Roster.Dispose();
            }
            finally
            {
                mapping?.Dispose();
                memory.Dispose();
            }

            if (e is SharedMemoryException { Errno: Errno.EEXIST })
            {
                return null;
            }

            throw;
        }
    }

    /// <summary>Opens what has the name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="refusesAbandoned">Whether what its users left when they were killed counts as missing, so that <see cref="TryCreate"/> replaces it.</param>
    /// <param name="kinds">What it may be.</param>
    /// <returns><see langword="null"/>: nothing has it, or only what its users left when they were killed.</returns>
    /// <exception cref="WaitHandleCannotBeOpenedException">It is something else.</exception>
    internal static NamedMemory? TryOpen(string name, bool refusesAbandoned, params ReadOnlySpan<uint> kinds)
    {
        Kernel.Current.RequireSeats();
        lock (s_open)
        {
            // What is open already is not opened again: closing it would give back POSIX locks that this process may have on it.
            if (SharedMemoryDirectory.Find(name) is { } entry && s_open.TryGetValue(entry.Identity, out var present))
            {
                Require(name, kinds.Contains(present.Kind));
                present._users++;
                return present;
            }

            // A share keeps others from replacing what was left behind: without one, two processes could use two locks under one name. What has no mark nobody replaces.
            var options = s_member with { OnConflict = refusesAbandoned ? NameConflict.ReplaceAbandoned : NameConflict.Fail };
            return SharedMemoryObject.TryOpen(name, options, out var memory) ? Use(name, memory, kinds) : null;
        }
    }

    private static NamedMemory Use(string name, SharedMemoryObject memory, ReadOnlySpan<uint> kinds)
    {
        MemoryMapping? mapping = null;
        try
        {
            if (s_open.TryGetValue(memory.GetStatus().Identity, out var named))
            {
                memory.DisposeKeepingLocks();
                Require(name, kinds.Contains(named.Kind));
                named._users++;
                return named;
            }

            Require(name, memory.Length >= PageSize);
            mapping = memory.Map();
            var header = mapping.GetReference<ulong>(0);
            var seats = (int)(header >> 48);
            Require(name, (header & 0xFFFFFFFFFFFF) == RosterLayout.Magic && seats is >= 1 and <= RosterLayout.MostSeats
                && Roster.SizeFor(seats) + LockAfterRoster + SharedMutex.Size <= mapping.Length);
            var tags = Roster.SizeFor(seats);
            var kind = Volatile.Read(ref mapping.GetReference<uint>(tags + KindAfterRoster));
            Require(name, kinds.Contains(kind) && (kind != LockLayout.ReturningTag || tags + LockAfterRoster + SharedSemaphore.SizeForReturning(seats) <= mapping.Length));
            named = new(memory, mapping, seats);
            s_open.Add(named._identity, named);
            return named;
        }
        catch
        {
            mapping?.Dispose();
            memory.DisposeKeepingLocks();
            throw;
        }
    }

    /// <summary>Opens the lock in it; if its bytes are not one, the memory is released.</summary>
    internal T OpenLock<T>(Func<NamedMemory, T> open)
    {
        try
        {
            return open(this);
        }
        catch
        {
            Release();
            throw;
        }
    }

    /// <summary>A name as System.Threading takes it: without its prefix for sessions.</summary>
    internal static string Plain(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        foreach (var prefix in (ReadOnlySpan<string>)[@"Global\", @"Local\"])
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
            {
                return name[prefix.Length..];
            }
        }

        return name;
    }

    internal void Release()
    {
        lock (s_open)
        {
            if (--_users > 0)
            {
                return;
            }

            s_open.Remove(_identity);
            try
            {
                Roster.Dispose();
            }
            finally
            {
                Mapping.Dispose();
                _memory.DisposeKeepingLocks();
            }
        }
    }

    private static void Require(string name, bool holds)
    {
        if (!holds)
        {
            throw new WaitHandleCannotBeOpenedException($"The shared memory object '{name}' is not a lock of this kind.");
        }
    }
}
