using System.Collections.Concurrent;

namespace Posix.SharedMemory.Bridge;

/// <summary>Counts what happens to one channel, and raises the bridge's events.</summary>
internal sealed class ChannelReport(BridgeReports bridge, string channel, BridgeDirection direction)
{
    private const int QuietMilliseconds = 10_000, MostReasons = 64;

    private readonly KeyValuePair<string, object?> _name = new("name", channel), _way = new("direction", direction == BridgeDirection.Export ? "export" : "import");
    private long _messages;
    private long _bytes;
    private long _lostLocally, _lostOnWire, _lostRemotely;
    private long _refused;
    private readonly ConcurrentDictionary<string, long> _reasons = new(StringComparer.Ordinal);

    internal string Channel => channel;

    /// <summary>Gets how many messages are known to be lost.</summary>
    internal long LostSoFar => Interlocked.Read(ref _lostLocally) + Interlocked.Read(ref _lostOnWire) + Interlocked.Read(ref _lostRemotely);

    internal void Carried(long messages, long bytes)
    {
        Interlocked.Add(ref _messages, messages);
        Interlocked.Add(ref _bytes, bytes);
        BridgeReports.Messages.Add(messages, _name, _way);
        BridgeReports.Bytes.Add(bytes, _name, _way);
    }

    internal void Lost(long first, long last, LossPlace where)
    {
        Interlocked.Add(ref where == LossPlace.LocalRing ? ref _lostLocally : ref where == LossPlace.Wire ? ref _lostOnWire : ref _lostRemotely, last - first + 1);
        BridgeReports.Lost.Add(last - first + 1, _name, _way, new("place", where.ToString()));
        bridge.Raise(new LostEventArgs(channel, first, last, where));
    }

    /// <summary>Counts something that was not accepted. The event comes every ten seconds at most for one reason: a flood of messages is not a flood of events.</summary>
    internal void Refuse(string reason)
    {
        Interlocked.Increment(ref _refused);
        var now = Environment.TickCount64;
        if (_reasons.TryGetValue(reason, out var before) ? now - before >= QuietMilliseconds : _reasons.Count < MostReasons)
        {
            _reasons[reason] = now;
            bridge.Raise(new RefusedEventArgs(channel, reason));
        }
    }

    internal BridgedChannel Describe(string host, bool isCompleted) => new()
    {
        Name = channel,
        Direction = direction,
        Host = host,
        Messages = Interlocked.Read(ref _messages),
        Bytes = Interlocked.Read(ref _bytes),
        LostInLocalRing = Interlocked.Read(ref _lostLocally),
        LostOnWire = Interlocked.Read(ref _lostOnWire),
        LostInRemoteRing = Interlocked.Read(ref _lostRemotely),
        Refused = Interlocked.Read(ref _refused),
        IsCompleted = isCompleted,
    };
}
