namespace Posix.SharedMemory.Threading;

/// <summary>One seat that a process has, or had, in the roster of a named lock.</summary>
/// <param name="Participant">The last life of the seat.</param>
/// <param name="State">Whether it lasts.</param>
/// <param name="ProcessId">The process's number in its own PID namespace; <see langword="null"/>: unknown.</param>
/// <param name="IsInThisPidNamespace">Whether the number means the same here; <see langword="null"/>: unknown.</param>
/// <param name="Permits">How many permits of a semaphore whose permits come back the process has, or had.</param>
public sealed record SeatStatus(Participant Participant, SeatState State, int? ProcessId, bool? IsInThisPidNamespace, int Permits);
