using System.Diagnostics;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>Collects what is announced while it is watched: the newest of each channel, and how far it was at first.</summary>
internal sealed class AnnouncementWatch : IBridgeReceiver
{
    /// <summary>How many channels are collected; any program may announce some.</summary>
    private const int MostChannels = 100_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Host, string Instance, string Channel), (Announcement First, long FirstAt, Announcement Newest, long NewestAt)> _seen = [];

    /// <inheritdoc/>
    public void Receive(in BridgeMessage message)
    {
        if (message.Payload.IsEmpty || Announcement.TryParse(message.Payload) is not { } announced || message.Subject != SubjectName.Channels + announced.Host)
        {
            return;
        }

        lock (_gate)
        {
            var now = Stopwatch.GetTimestamp();
            var key = (announced.Host, announced.Instance, announced.Channel);
            if (_seen.TryGetValue(key, out var known) && known.First.IsOfLifeOf(announced))
            {
                _seen[key] = (known.First, known.FirstAt, announced, now);
            }
            else if (_seen.Count < MostChannels)
            {
                _seen[key] = (announced, now, announced, now);
            }
        }
    }

    /// <summary>What was announced so far, by name.</summary>
    internal IReadOnlyList<AnnouncedChannel> Describe()
    {
        var channels = new List<AnnouncedChannel>();
        lock (_gate)
        {
            foreach (var (first, firstAt, newest, newestAt) in _seen.Values)
            {
                if (SubjectName.TryDecodeHost(newest.Host, out var host) && SubjectName.TryDecode(newest.Channel, out var name))
                {
                    channels.Add(new()
                    {
                        Name = name,
                        Host = host,
                        Kind = (ChannelKind)newest.Kind,
                        Delivery = newest.Delivery,
                        Capacity = newest.Capacity,
                        ContentType = newest.ContentType,
                        Messages = newest.Next - 1,
                        Rate = newestAt > firstAt ? Math.Max(newest.Next - first.Next, 0) / Stopwatch.GetElapsedTime(firstAt, newestAt).TotalSeconds : 0,
                        Lost = Math.Max(newest.Lost, 0),
                        IsCompleted = newest.Completed is not null,
                    });
                }
            }
        }

        return [.. channels.OrderBy(channel => channel.Name, StringComparer.Ordinal).ThenBy(channel => channel.Host, StringComparer.Ordinal)];
    }
}
