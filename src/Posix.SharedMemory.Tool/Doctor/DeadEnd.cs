using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary>An end of a channel whose process died, and that no other process has opened since.</summary>
/// <param name="Name">The channel's name, as it is printed.</param>
/// <param name="Role">writer or reader.</param>
/// <param name="Label">What the end was called, as it is printed; empty if it had no label.</param>
internal sealed record DeadEnd(string Name, string Role, string Label)
{
    /// <summary>Finds them in all channels that this user may read.</summary>
    internal static IReadOnlyList<DeadEnd> Find() =>
        [.. from entry in SharedMemoryDirectory.Enumerate()
            from endpoint in ObjectLook.Of(entry).Channel?.Status?.Endpoints ?? []
            where endpoint.State == PeerState.Died
            select new DeadEnd(EscapedText.OfName(entry.NameBytes.Span), ChannelLook.RoleWord(endpoint.Role), EscapedText.Of(endpoint.Label))];

    public override string ToString() => Label.Length == 0 ? $"{Name} (the {Role})" : $"{Name} (the {Role} {Label})";
}
