namespace Posix.SharedMemory;

/// <summary>The process at the other end of a socket, as the kernel recorded it when the connection was made.</summary>
/// <remarks>
/// It is the process that called <c>connect</c>, <c>listen</c> or <c>socketpair</c>, not the one that has the socket now. Its id may have been
/// reused by another process since. <see href="https://man7.org/linux/man-pages/man7/unix.7.html">unix(7)</see>
/// </remarks>
/// <param name="ProcessId">The process id; 0 if the process is in a PID namespace that this one cannot see.</param>
/// <param name="UserId">Its effective user id.</param>
/// <param name="GroupId">Its effective group id.</param>
public readonly record struct PeerCredentials(int ProcessId, uint UserId, uint GroupId);
