using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary>An end of a channel whose process died, and that no other process has opened since.</summary>
/// <param name="Name">The channel's name, as it is printed.</param>
/// <param name="Role">writer or reader.</param>
/// <param name="Label">What the end was called, as it is printed; empty if it had no label.</param>
internal sealed record DeadEnd(string Name, string Role, string Label)
{
    /// <summary>Finds them in all channels that this user may read.</summary>
    /// <param name="unread">How many objects cannot be read, and may be channels.</param>
    internal static IReadOnlyList<DeadEnd> Find(out int unread)
    {
        var looks = SharedMemoryDirectory.Enumerate().Select(entry => (Entry: entry, Look: ObjectLook.Of(entry))).ToList();
        unread = looks.Count(one => !one.Look.IsKnown || one.Look.Channel is { Status: null });
        return [.. from one in looks
                   from endpoint in one.Look.Channel?.Status?.Endpoints ?? []
                   where endpoint.State == PeerState.Died
                   select new DeadEnd(EscapedText.OfName(one.Entry.NameBytes.Span), ChannelLook.RoleWord(endpoint.Role), EscapedText.Of(endpoint.Label))];
    }

    public override string ToString() => Label.Length == 0 ? $"{Name} (the {Role})" : $"{Name} (the {Role} {Label})";
}
