namespace Posix.SharedMemory;

/// <summary>Who is at the other end of a socket, as the kernel noted when the two were connected.</summary>
/// <remarks>
/// It is who called <c>connect</c> or <c>listen</c>, or <c>socketpair</c>, not who holds the socket now. A process number may have been
/// given to another process since. <see href="https://man7.org/linux/man-pages/man7/unix.7.html">unix(7)</see>
/// </remarks>
/// <param name="ProcessId">The process; 0 where it cannot be seen from this one, being in another PID namespace.</param>
/// <param name="UserId">Its effective user.</param>
/// <param name="GroupId">Its effective group.</param>
public readonly record struct PeerCredentials(int ProcessId, uint UserId, uint GroupId);
