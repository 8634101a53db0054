namespace Posix.SharedMemory.Threading;

/// <summary>What became of the last process in a seat.</summary>
public enum SeatState
{
    /// <summary>It lives, and takes part.</summary>
    Living,

    /// <summary>It ended without leaving: it was killed, crashed or exited, or the machine was restarted.</summary>
    Died,

    /// <summary>It left by <see cref="Roster.Dispose"/>.</summary>
    Left,
}
