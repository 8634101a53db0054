using System.Diagnostics.Metrics;
using System.Threading.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>The meter <c>Posix.SharedMemory.Bridge</c>, and the events of one bridge, which are raised one after the other where no message waits for their handlers.</summary>
internal sealed class BridgeReports
{
    /// <summary>How many events wait for handlers; beyond, the counters alone go on.</summary>
    private const int MostWaiting = 10_000;

    private static readonly Meter s_meter = new("Posix.SharedMemory.Bridge");
    private readonly Channel<EventArgs> _events = Channel.CreateBounded<EventArgs>(new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    internal static Counter<long> Messages { get; } = s_meter.CreateCounter<long>("shm.bridge.messages", "{message}", "Messages that were sent, or came into a ring.");

    internal static Counter<long> Bytes { get; } = s_meter.CreateCounter<long>("shm.bridge.bytes", "By", "Bytes of these messages.");

    internal static Counter<long> Lost { get; } = s_meter.CreateCounter<long>("shm.bridge.lost", "{message}", "Messages that were lost, by place.");

    internal ChannelReader<EventArgs> Events => _events.Reader;

    /// <summary>No event is raised after those that wait.</summary>
    internal void End() => _events.Writer.TryComplete();

    internal void Raise(EventArgs what) => _events.Writer.TryWrite(what);
}
