using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary>An endpoint of a channel, as JSON.</summary>
/// <param name="Role">writer or reader.</param>
/// <param name="Label">As it was opened.</param>
/// <param name="Pid">The process, in its own PID namespace; null: no process has it open, or unknown.</param>
/// <param name="State">alive, left or died.</param>
internal sealed record EndpointFacts(string Role, string Label, int? Pid, string State, DateTimeOffset? Opened, long Missed)
{
    /// <summary>Those of a channel that were ever opened.</summary>
    internal static IReadOnlyList<EndpointFacts> AllOf(ChannelStatus status) => [.. status.Endpoints.Where(endpoint => endpoint.State != PeerState.None).Select(Of)];

    internal static EndpointFacts Of(EndpointInfo endpoint) => new(
        ChannelLook.RoleWord(endpoint.Role), endpoint.Label, endpoint.ProcessId, ChannelLook.StateWord(endpoint.State), endpoint.OpenedAt, endpoint.Missed);
}
