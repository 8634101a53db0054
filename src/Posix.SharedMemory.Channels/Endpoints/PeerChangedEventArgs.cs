namespace Posix.SharedMemory.Channels;

/// <summary>The other side of a channel was opened, was closed, or died. Of what comes and goes between two looks, the event shows what has become of it.</summary>
/// <example>
/// <code><![CDATA[
/// using var channel = MessageChannel.Open("jobs");
/// using var writer = channel.OpenWriter();
/// writer.PeerChanged += OnChange;
///
/// static void OnChange(object? sender, PeerChangedEventArgs change) => Console.WriteLine($"the reader: {change.Peer.State}");
/// ]]></code>
/// </example>
public sealed class PeerChangedEventArgs : EventArgs
{
    internal PeerChangedEventArgs(EndpointInfo peer) => Peer = peer;

    /// <summary>Gets what has become of it.</summary>
    public EndpointInfo Peer { get; }
}
