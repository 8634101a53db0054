using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Tool;

/// <summary>A named lock, a roster or a POSIX semaphore, as JSON; what it does not have is null.</summary>
internal sealed record LockFacts(
    string Kind, int? Seats, LockSeatFacts? Holder, bool? Held, bool? Inconsistent, bool? Retired, bool? HasWaiters, int? Waiters, int? Count, int? Maximum, bool? Set, string? Mode, bool Kept,
    IReadOnlyList<LockSeatFacts> UsedSeats)
{
    internal static LockFacts Of(NamedLockStatus status)
    {
        var isMutex = status.Kind == NamedLockKind.Mutex;
        return new(
            LockLook.Key(status.Kind),
            status.Seats == 0 ? null : status.Seats,
            status.Holder is { } holder ? LockSeatFacts.Of(status, holder) : null,
            isMutex ? status.Holder is not null : null,
            isMutex ? status.IsInconsistent : null,
            isMutex ? status.IsRetired : null,
            status.HasWaiters,
            status.Waiters,
            status.CurrentCount,
            status.MaximumCount,
            status.IsSet,
            status.Mode switch { EventResetMode.AutoReset => "auto", EventResetMode.ManualReset => "manual", _ => null },
            status.IsKept,
            [.. status.UsedSeats.Select(LockSeatFacts.Of)]);
    }
}

/// <summary>A seat that a process has or had, as JSON.</summary>
/// <param name="State">living, died or left.</param>
/// <param name="Pid">The process, in its own PID namespace.</param>
internal sealed record LockSeatFacts(int Seat, int Incarnation, string State, int? Pid, bool? SamePidNamespace, int Permits)
{
    internal static LockSeatFacts Of(SeatStatus seat) => new(
        seat.Participant.Seat, seat.Participant.Incarnation, StateText(seat.State), seat.ProcessId, seat.IsInThisPidNamespace, seat.Permits);

    /// <summary>The seat of a holder, which may have another life by now.</summary>
    internal static LockSeatFacts Of(NamedLockStatus status, Participant holder) =>
        status.UsedSeats.FirstOrDefault(seat => seat.Participant == holder) is { } seat ? Of(seat) : new(holder.Seat, holder.Incarnation, StateText(SeatState.Died), null, null, 0);

    internal static string StateText(SeatState state) => state switch
    {
        SeatState.Living => "living",
        SeatState.Died => "died",
        _ => "left",
    };
}
