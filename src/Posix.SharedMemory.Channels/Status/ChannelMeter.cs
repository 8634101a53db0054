using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// The meter <c>Posix.SharedMemory.Channels</c>: what the headers of the channels that are open in this process say, read when a listener asks.
/// </summary>
internal static class ChannelMeter
{
    private static readonly ConcurrentDictionary<ChannelMemory, int> s_channels = [];

    static ChannelMeter()
    {
        var meter = new Meter("Posix.SharedMemory.Channels");
        meter.CreateObservableCounter("shm.channel.messages", () => Measure(status => status.Messages), "{message}", "Messages that were written.");
        meter.CreateObservableCounter("shm.channel.bytes", () => Measure(status => status.Bytes), "By", "Bytes that were written, headers not counted.");
        meter.CreateObservableGauge("shm.channel.fill", () => Measure(status => (double)status.Used / status.Capacity), "1", "The part of the capacity that is in use.");
        meter.CreateObservableCounter("shm.channel.waits", Waits, "{wait}", "Waits for room (side: writer) and for a message (side: reader).");
        // A reader that joins begins at none.
        meter.CreateObservableUpDownCounter("shm.channel.missed", () => Measure(Missed), "{message}", "Messages or frames that the present readers missed.");
        meter.CreateObservableCounter("shm.channel.lost_claims", () => Measure(status => status.LostClaims), "{claim}", "Claims of a fan-in whose writers died before they had committed them.");
        meter.CreateObservableUpDownCounter("shm.channel.peers", Peers, "{peer}", "Endpoints by state.");
    }

    internal static void Add(ChannelMemory channel) => s_channels.TryAdd(channel, 0);

    internal static void Remove(ChannelMemory channel) => s_channels.TryRemove(channel, out _);

    /// <summary>Readers store the numbers, and may store any.</summary>
    private static long Missed(ChannelStatus status) => (long)Math.Min(status.Endpoints.Sum(peer => (decimal)peer.Missed), long.MaxValue);

    private static IEnumerable<Measurement<long>> Waits() =>
        Measure(status => status.WriterWaits, Tag("side", EndpointRole.Writer)).Concat(Measure(status => status.ReaderWaits, Tag("side", EndpointRole.Reader)));

    private static IEnumerable<Measurement<long>> Peers() =>
        from state in Enum.GetValues<PeerState>()
        from role in Enum.GetValues<EndpointRole>()
        from measurement in Measure(status => (long)status.Endpoints.Count(peer => peer.State == state && peer.Role == role),
            Tag("state", state), Tag("role", role))
        select measurement;

    private static KeyValuePair<string, object?> Tag<T>(string name, T value)
        where T : struct, Enum => new(name, Enum.GetName(value)!.ToLowerInvariant());

    private static string NameOf(ushort kind) => kind switch
    {
        ChannelLayout.ConnectionKind => "connection",
        ChannelLayout.BroadcastKind => "broadcast",
        ChannelLayout.LatestKind => "latest",
        ChannelLayout.FramesKind => "frames",
        ChannelLayout.FanInKind => "fan-in",
        _ => "message",
    };

    private static List<Measurement<T>> Measure<T>(Func<ChannelStatus, T> value, params KeyValuePair<string, object?>[] tags)
        where T : struct
    {
        var measurements = new List<Measurement<T>>();
        foreach (var channel in s_channels.Keys)
        {
            try
            {
                KeyValuePair<string, object?>[] all = [new("name", channel.Memory.Name), new("kind", NameOf(channel.Header.Kind)), .. tags];
                measurements.Add(new(value(ChannelStatus.Of(channel)), all));
            }
            catch (ObjectDisposedException)
            {
                // It was closed meanwhile: the others are measured.
            }
            catch (ChannelCorruptException)
            {
                // It has nothing to say: the others have, and its own ends find out.
            }
        }

        return measurements;
    }
}
