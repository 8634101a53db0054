namespace Posix.SharedMemory.Channels;

/// <summary>What the side that creates a connection decides for both.</summary>
/// <example>
/// <code><![CDATA[
/// MessageConnectionOptions options = new() { Capacity = 4 << 20, ContentType = "application/json", Endpoint = new() { Label = "service" } };
/// await using var listener = new MessageListener("/run/user/1000/prices.sock", options);
/// ]]></code>
/// </example>
public sealed record MessageConnectionOptions
{
    internal static readonly MessageConnectionOptions Default = new();

    /// <summary>Gets how many bytes each of the two rings has: a power of two from 4 KiB to 1 GiB. The longest message is a little shorter than half of it. The default is 1 MiB.</summary>
    public long Capacity { get; init; } = 1 << 20;

    /// <summary>Gets where payloads start: at multiples of 8 (the default), 16, 32 or 64 bytes.</summary>
    public int RecordAlignment { get; init; } = 8;

    /// <summary>Gets a number that stands for what the messages mean, for <see cref="ChannelStatus.SchemaId"/>. The default, 0, says nothing.</summary>
    public ulong SchemaId { get; init; }

    /// <summary>Gets what the messages are, for people: at most 48 bytes of UTF-8.</summary>
    public string ContentType { get; init; } = "";

    /// <summary>
    /// Gets how this side's ends are opened. <see cref="EndpointOptions.Restart"/> has no effect: a connection is between two processes, and ends with the first of them.
    /// </summary>
    public EndpointOptions Endpoint { get; init; } = EndpointOptions.Default;

    internal static MessageConnectionOptions Check(MessageConnectionOptions? options)
    {
        if (options is null)
        {
            return Default;
        }

        MessageChannelOptions.Check(new() { Capacity = options.Capacity, RecordAlignment = options.RecordAlignment, ContentType = options.ContentType });
        return options with { Endpoint = CheckEndpoint(options.Endpoint) };
    }

    /// <summary>A wait for another peer would never end.</summary>
    internal static EndpointOptions CheckEndpoint(EndpointOptions? endpoint) => EndpointOptions.Check(endpoint) with { Restart = PeerRestart.Fail };

    internal ChannelHeader ToHeader() => ChannelHeader.ForConnection(Capacity, RecordAlignment, SchemaId, ContentType);
}
