using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Threading;

/// <summary>What a named lock shows to a process that does not take part: for tools. No seat is taken, nothing is mapped, and no byte is written.</summary>
/// <remarks>A snapshot: the bytes are read one after the other, while other processes change them.</remarks>
/// <example>
/// <code>
/// if (NamedLockStatus.TryRead(memory) is { Kind: NamedLockKind.Mutex } status)
/// {
///     Console.WriteLine($"Held by seat {status.Holder?.Seat}; somebody waits: {status.HasWaiters}");
///     foreach (SeatStatus seat in status.UsedSeats.Where(seat =&gt; seat.State == SeatState.Died))
///     {
///         Console.WriteLine($"Process {seat.ProcessId} died in seat {seat.Participant.Seat}.");
///     }
/// }
/// </code>
/// </example>
public sealed record NamedLockStatus
{
    private const string PosixPrefix = "sem.";

    private NamedLockStatus(NamedLockKind kind) => Kind = kind;

    /// <summary>Gets what it is.</summary>
    public NamedLockKind Kind { get; }

    /// <summary>Gets how many processes can take part at once; 0 where there is no roster.</summary>
    public int Seats { get; private init; }

    /// <summary>Gets the seats that were ever used, by number, with the last process of each.</summary>
    public IReadOnlyList<SeatStatus> UsedSeats { get; private init; } = [];

    /// <summary>Gets the participant that is inside a mutex, living or dead; <see langword="null"/>: there is none, or it is not a mutex.</summary>
    public Participant? Holder { get; private init; }

    /// <summary>Gets whether an owner of a mutex died, and what it left has not been repaired.</summary>
    public bool IsInconsistent { get; private init; }

    /// <summary>Gets whether a mutex was retired: no process can enter it any more.</summary>
    public bool IsRetired { get; private init; }

    /// <summary>Gets whether a process waits, or did a moment ago; <see langword="null"/>: unknown.</summary>
    public bool? HasWaiters { get; private init; }

    /// <summary>Gets the number of waiters, where the bytes say it; otherwise <see langword="null"/>.</summary>
    public int? Waiters { get; private init; }

    /// <summary>Gets how many permits of a semaphore are there; <see langword="null"/>: it is not a semaphore.</summary>
    public int? CurrentCount { get; private init; }

    /// <summary>Gets how many permits there can be; <see langword="null"/>: it is not a semaphore, or its count is not limited.</summary>
    public int? MaximumCount { get; private init; }

    /// <summary>Gets whether an event is set; <see langword="null"/>: it is not an event.</summary>
    public bool? IsSet { get; private init; }

    /// <summary>Gets the mode of an event; <see langword="null"/>: it is not an event.</summary>
    public EventResetMode? Mode { get; private init; }

    /// <summary>Gets whether the name stays when its last user has gone (<see cref="Lifetime.Keep"/>).</summary>
    public bool IsKept { get; private init; }

    /// <summary>Reads what an object is, and what it shows.</summary>
    /// <param name="memory">The object, open for reading at least.</param>
    /// <returns><see langword="null"/>: it is none of <see cref="NamedLockKind"/>.</returns>
    /// <exception cref="SharedMemoryException">The object could not be read.</exception>
    public static NamedLockStatus? TryRead(SharedMemoryObject memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        var head = Read(memory, RosterLayout.HeaderSize);
        if (head.Length == PosixSemaphoreLayout.Size)
        {
            return memory.Name?.TrimStart('/').StartsWith(PosixPrefix, StringComparison.Ordinal) == true ? OfPosixSemaphore(head) : null;
        }

        var header = head.Length < RosterLayout.HeaderSize ? 0 : U64(head, 0);
        var seats = (int)(header >> 48);
        if ((header & 0xFFFFFFFFFFFF) != RosterLayout.Magic || seats is < 1 or > RosterLayout.MostSeats)
        {
            return null;
        }

        var tagsAt = RosterLayout.SizeFor(seats);
        var lockAt = tagsAt + NamedMemory.LockAfterRoster;
        var bytes = Read(memory, lockAt + SharedSemaphore.SizeForReturning(seats));
        if (bytes.Length < tagsAt)
        {
            return null;
        }

        var kind = bytes.Length < lockAt + SharedMutex.Size ? NamedLockKind.Roster : KindOf(bytes, tagsAt, lockAt, seats);
        var status = new NamedLockStatus(kind)
        {
            Seats = seats,
            UsedSeats = ReadSeats(bytes, seats, kind == NamedLockKind.ReturningSemaphore ? lockAt + ReturningPermits.HeldAt : null),
            IsKept = kind != NamedLockKind.Roster && (U32(bytes, tagsAt + NamedMemory.FlagsAfterRoster) & NamedMemory.KeepFlag) != 0,
        };
        return kind == NamedLockKind.Roster ? status : status.With(bytes.AsSpan(lockAt));
    }

    private static NamedLockStatus? OfPosixSemaphore(byte[] bytes) => U32(bytes, 8) != PosixSemaphoreLayout.SharedMark ? null : new(NamedLockKind.PosixSemaphore)
    {
        CurrentCount = (int)U32(bytes, 0), Waiters = (int)U32(bytes, 4), HasWaiters = U32(bytes, 4) != 0, IsKept = true,
    };

    /// <summary>The kind that both the object and the lock's own tag say; a roster where they differ.</summary>
    private static NamedLockKind KindOf(byte[] bytes, int tagsAt, int lockAt, int seats)
    {
        var own = U32(bytes, lockAt + LockLayout.Tag);
        return U32(bytes, tagsAt) switch
        {
            LockLayout.MutexTag when own == LockLayout.MutexTag => NamedLockKind.Mutex,
            LockLayout.SemaphoreTag when own == LockLayout.SemaphoreTag => NamedLockKind.Semaphore,
            LockLayout.EventTag when (own & ~SharedEvent.ModeBit) == LockLayout.EventTag => NamedLockKind.Event,
            LockLayout.ReturningTag when bytes.Length >= lockAt + SharedSemaphore.SizeForReturning(seats)
                && U32(bytes, lockAt + ReturningPermits.TagAt) == LockLayout.ReturningTag => NamedLockKind.ReturningSemaphore,
            _ => NamedLockKind.Roster,
        };
    }

    private NamedLockStatus With(Span<byte> bytes)
    {
        var word = U32(bytes, 0);
        switch (Kind)
        {
            case NamedLockKind.Mutex:
                var holder = (word & Participant.Mark) != 0 ? new Participant(word & LockLayout.OwnerMask) : (Participant?)null;
                return this with
                {
                    Holder = holder,
                    IsInconsistent = (word & LockLayout.Inconsistent) != 0
                        || (holder is { } dead && !UsedSeats.Any(seat => seat.Participant == dead && seat.State == SeatState.Living)),
                    IsRetired = (word & LockLayout.OwnerMask) == LockLayout.Retired,
                    HasWaiters = (word & LockLayout.Waiters) != 0,
                };
            case NamedLockKind.Semaphore:
                return this with { CurrentCount = (int)(word & int.MaxValue), MaximumCount = (int)U32(bytes, 8), HasWaiters = word >> 31 != 0 };
            case NamedLockKind.ReturningSemaphore:
                var maximum = (int)U32(bytes, ReturningPermits.MaximumAt);
                // What the dead have comes back, also before somebody has taken it back.
                var taken = UsedSeats.Where(seat => seat.State == SeatState.Living).Sum(seat => (long)seat.Permits);
                return this with { CurrentCount = (int)Math.Max(0, maximum - taken), MaximumCount = maximum };
            default:
                return this with
                {
                    IsSet = (word & 1) != 0,
                    Mode = (U32(bytes, LockLayout.Tag) & SharedEvent.ModeBit) != 0 ? EventResetMode.AutoReset : EventResetMode.ManualReset,
                    HasWaiters = word >> 31 != 0,
                };
        }
    }

    private static List<SeatStatus> ReadSeats(byte[] bytes, int seats, int? permitsAt)
    {
        var used = new List<SeatStatus>();
        for (var number = 1; number <= seats; number++)
        {
            var seat = bytes.AsSpan(RosterLayout.HeaderSize + (RosterLayout.SeatSize * (number - 1)), RosterLayout.SeatSize);
            var incarnation = U32(seat, RosterLayout.Incarnation) & Participant.IncarnationMask;
            // A process that has not finished joining does not take part yet.
            if (incarnation == 0 || RosterLayout.IsJoining(U64(seat, RosterLayout.Life)))
            {
                continue;
            }

            var life = U32(seat, RosterLayout.Life);
            var isTaken = (life & RosterLayout.ThreadMask) != 0;
            var state = isTaken && !ProcessIdentity.IsOfAnotherBoot(U32(seat, RosterLayout.Boot)) ? SeatState.Living
                : isTaken || (life & RosterLayout.Died) != 0 ? SeatState.Died : SeatState.Left;
            var space = U32(seat, RosterLayout.Namespace);
            var process = (int)U32(seat, RosterLayout.ProcessId);
            var permits = permitsAt is { } at ? U64(bytes, at + (ReturningPermits.HeldSize * (number - 1))) : 0;
            used.Add(new(
                Participant.Of(number, incarnation),
                state,
                process > 0 ? process : null,
                space == 0 || ProcessIdentity.PidNamespace == 0 ? null : space == ProcessIdentity.PidNamespace,
                (uint)(permits >> 32) == incarnation ? (int)(uint)permits : 0));
        }

        return used;
    }

    /// <summary>Reads up to so many bytes from the beginning; fewer if the object is shorter.</summary>
    private static byte[] Read(SharedMemoryObject memory, int most)
    {
        var bytes = new byte[most];
        var count = 0;
        while (count < most && memory.Read(bytes.AsSpan(count), count) is > 0 and var more)
        {
            count += more;
        }

        return count == most ? bytes : bytes[..count];
    }

    private static uint U32(ReadOnlySpan<byte> bytes, int offset) => MemoryMarshal.Read<uint>(bytes[offset..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int offset) => MemoryMarshal.Read<ulong>(bytes[offset..]);
}
