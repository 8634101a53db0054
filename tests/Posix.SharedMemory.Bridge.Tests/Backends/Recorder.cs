using System.Buffers;
using System.Collections.Concurrent;

namespace Posix.SharedMemory.Bridge.Tests.Backends;

/// <summary>Keeps what a subscription receives.</summary>
internal sealed class Recorder : IBridgeReceiver
{
    private int _inside;

    internal ConcurrentQueue<(string Subject, BridgeHeaders Headers, byte[] Payload)> Messages { get; } = [];

    /// <summary>Gets what each message is acknowledged with.</summary>
    internal ConcurrentQueue<string?> Acknowledgements { get; } = [];

    internal bool CameTwoAtOnce { get; private set; }

    public void Receive(in BridgeMessage message)
    {
        CameTwoAtOnce |= Interlocked.Increment(ref _inside) != 1;
        Acknowledgements.Enqueue(message.Acknowledgement);
        Messages.Enqueue((message.Subject, message.Headers, message.Payload.ToArray()));
        Interlocked.Decrement(ref _inside);
    }

    internal (string Subject, BridgeHeaders Headers, byte[] Payload)[] WaitFor(int count)
    {
        Watchdog.Until(() => Messages.Count >= count, $"{count} messages");
        return [.. Messages];
    }
}
