using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory;

/// <summary>Keeps the sends on one socket in the order in which they were called: the next begins when the one before has sent all, or given up.</summary>
/// <remarks>A semaphore serves its waiters in the order of their arrival.</remarks>
internal sealed class SendTurn() : SemaphoreSlim(1, 1)
{
    private static readonly ConditionalWeakTable<Socket, SendTurn> s_turns = [];

    internal static SendTurn Of(Socket socket) => s_turns.GetValue(socket, static _ => new());

    /// <summary>Takes the turn if it is free and no send waits for it.</summary>
    internal bool TryTake() => Wait(0, CancellationToken.None);

    /// <summary>Takes the turn after all earlier sends.</summary>
    internal Task TakeAsync(CancellationToken cancellationToken) => WaitAsync(cancellationToken);

    /// <summary>Gives the turn to the send that has waited longest.</summary>
    internal void Give() => Release();
}
