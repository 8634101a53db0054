using System.Globalization;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Tool;

/// <summary>Named locks, rosters and POSIX semaphores, in words.</summary>
internal static class LockLook
{
    /// <summary>Named locks are whole pages, and not many.</summary>
    private const long Page = 4096, MostBytes = 256 << 10, SemaphoreBytes = 32;

    /// <summary>The kind, as a word of JSON.</summary>
    internal static string Key(NamedLockKind kind) => kind switch
    {
        NamedLockKind.Mutex => "mutex",
        NamedLockKind.Semaphore => "semaphore",
        NamedLockKind.ReturningSemaphore => "returning_semaphore",
        NamedLockKind.Event => "event",
        NamedLockKind.PosixSemaphore => "posix_semaphore",
        _ => "roster",
    };

    /// <summary>The kind, for people.</summary>
    internal static string Kind(NamedLockStatus status) => status switch
    {
        { Kind: NamedLockKind.ReturningSemaphore } => "semaphore; permits of dead processes come back",
        { Kind: NamedLockKind.PosixSemaphore } => "POSIX semaphore (sem_open)",
        { Kind: NamedLockKind.Event, Mode: EventResetMode.AutoReset } => "event, automatic",
        { Kind: NamedLockKind.Event } => "event, manual",
        { Kind: NamedLockKind.Roster } => "roster without a named lock",
        _ => Key(status.Kind),
    };

    /// <summary>What state it is in, for people.</summary>
    internal static string State(NamedLockStatus status) => status switch
    {
        { IsRetired: true } => "retired: nobody can enter again",
        { Holder: { } holder } => HeldBy(status, holder),
        { Kind: NamedLockKind.Mutex } => status.IsInconsistent ? "free, but an owner died inside: unrepaired" : "free",
        { IsSet: { } isSet } => isSet ? "set" : "not set",
        { MaximumCount: int.MaxValue or null, CurrentCount: { } count } => ByteSize.Count(count, "permit"),
        { CurrentCount: { } count } => string.Create(CultureInfo.InvariantCulture, $"{count} of {ByteSize.Count(status.MaximumCount!.Value, "permit")} free"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{status.UsedSeats.Count(seat => seat.State == SeatState.Living)} of {status.Seats} seats taken"),
    };

    /// <summary>A process, as it is known to its seat.</summary>
    internal static string Process(SeatStatus seat) => seat.ProcessId is not { } process ? "?"
        : string.Create(CultureInfo.InvariantCulture, $"{process}{(seat.IsInThisPidNamespace == false ? " (another PID namespace)" : "")}");

    private static string HeldBy(NamedLockStatus status, Participant holder)
    {
        var seat = status.UsedSeats.FirstOrDefault(seat => seat.Participant == holder);
        var process = seat is null ? "a process that has left" : $"process {Process(seat)}";
        var place = string.Create(CultureInfo.InvariantCulture, $"seat {holder.Seat}");
        return seat is { State: SeatState.Living }
            ? $"held by {process} ({place}){(status.IsInconsistent ? "; an owner before it died inside: unrepaired" : "")}"
            : $"{process} ({place}) died inside: unrepaired";
    }

    /// <summary>Whether an object's length and name can be those of a lock.</summary>
    internal static bool MayBe(SharedMemoryEntry entry) => entry.Length == SemaphoreBytes ? entry.NameBytes.Span.StartsWith("sem."u8)
        : entry.Length is >= Page and <= MostBytes && entry.Length % Page == 0;
}
