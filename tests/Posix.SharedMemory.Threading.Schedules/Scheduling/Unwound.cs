namespace Posix.SharedMemory.Threading.Schedules;

/// <summary>The schedule is over: an actor that sleeps, or was killed, goes home.</summary>
#pragma warning disable CA1064, RCS1194 // Never leaves the scheduler.
internal sealed class Unwound : Exception;
#pragma warning restore CA1064, RCS1194
