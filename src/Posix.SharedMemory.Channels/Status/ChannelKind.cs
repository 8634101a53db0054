namespace Posix.SharedMemory.Channels;

/// <summary>What a channel does, as its header says it.</summary>
/// <example>
/// <code><![CDATA[
/// using var memory = SharedMemoryObject.Open("quotes", FileMode.Open, FileAccess.Read);
/// if (ChannelStatus.TryRead(memory) is { Kind: ChannelKind.Message, State: ChannelState.Open } status)
/// {
///     var reader = status.Endpoints.Single(endpoint => endpoint.Role == EndpointRole.Reader);
///     Console.WriteLine(reader.State == PeerState.Alive ? "a process reads them" : "no process reads them");
/// }
/// ]]></code>
/// </example>
public enum ChannelKind
{
    /// <summary>One writer, one reader: <see cref="MessageChannel"/> and <see cref="SharedChannel{T}"/>.</summary>
    Message = 1,

    /// <summary>One writer, up to 64 readers of every message: <see cref="Broadcast"/>.</summary>
    Broadcast = 3,

    /// <summary>One writer, any number of readers of the newest value: <see cref="LatestValue{T}"/> and <see cref="LatestBytes"/>.</summary>
    Latest = 4,

    /// <summary>One publisher of big messages, up to 64 readers that read them where they are: <see cref="FrameChannel"/>.</summary>
    Frames = 5,

    /// <summary>Many writers, one reader: <see cref="FanIn"/>.</summary>
    FanIn = 6,
}
