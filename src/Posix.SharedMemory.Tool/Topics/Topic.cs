using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary>A channel of any kind, open to send to it or to receive from it.</summary>
internal abstract class Topic : IDisposable
{
    /// <summary>The words for the kinds that can be created.</summary>
    internal static readonly string[] Kinds = ["message", "fan-in", "latest", "broadcast"];

    /// <summary>Gets whether a writer can complete it.</summary>
    internal abstract bool CanComplete { get; }

    /// <summary>Gets whether its messages have a type.</summary>
    internal abstract bool HasTypes { get; }

    /// <summary>Opens a channel.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="kind">Which kind it has to be; <see langword="null"/>: any, and a message channel if it is created.</param>
    /// <param name="isCreated">Whether it is created if nothing has the name.</param>
    /// <param name="capacity">With that, the length of its ring, or of the longest value.</param>
    /// <exception cref="CommandException">The object is not a channel, or one of another kind.</exception>
    internal static Topic Open(GivenName name, string? kind, bool isCreated, long? capacity)
    {
        if (isCreated && !name.IsTaken)
        {
            return Create(name.Text, kind ?? Kinds[0], capacity);
        }

        var memory = name.Open(FileAccess.ReadWrite);
        try
        {
            var status = TopicCommand.RequireChannel(name, memory);
            if (kind is not null && ChannelLook.KindOf(status.Kind) is var found && found != kind)
            {
                throw new CommandException($"{name}: the channel is of kind {found}, not {kind}");
            }

            return status.Kind switch
            {
                ChannelKind.FanIn => new FanInTopic(FanIn.FromObject(memory)),
                ChannelKind.Latest when status.ElementSize != 0 => throw new CommandException(
                    $"{name}: the channel carries a value of {status.ElementSize} bytes of a program's type, which only LatestValue reads and writes; shm topic tap prints it"),
                ChannelKind.Broadcast => new BroadcastTopic(Broadcast.FromObject(memory)),
                ChannelKind.Frames => throw new CommandException($"{name}: the channel carries frames, and shm topic send and recv do not handle those; shm stat shows who sends and reads them"),
                ChannelKind.Latest => new LatestTopic(LatestBytes.FromObject(memory)),
                _ => new MessageTopic(name, MessageChannel.FromObject(memory), status.ElementSize),
            };
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Opens its writer, or one of its writers.</summary>
    internal abstract SendingEnd OpenWriter(EndpointOptions options);

    /// <summary>Opens its reader, or a reader.</summary>
    internal abstract ReceivingEnd OpenReader(EndpointOptions options);

    public abstract void Dispose();

    /// <summary>Whoever comes second in a race opens what the first created, if it is of the same kind.</summary>
    private static Topic Create(string name, string kind, long? capacity)
    {
        const long Default = 1 << 20;
        return kind switch
        {
            "fan-in" => new FanInTopic(FanIn.OpenOrCreate(name, out _, new() { Capacity = capacity ?? Default, Lifetime = Lifetime.Keep })),
            "broadcast" => new BroadcastTopic(Broadcast.OpenOrCreate(name, out _, new() { Capacity = capacity ?? Default, History = BroadcastTopic.History, Lifetime = Lifetime.Keep })),
            "latest" => new LatestTopic(LatestBytes.OpenOrCreate(
                name, out _, new() { MaxLength = capacity is { } most ? (int)Math.Min(most, int.MaxValue) : new LatestBytesOptions().MaxLength, Lifetime = Lifetime.Keep })),
            _ => new MessageTopic(GivenName.Read(name, out _)!, MessageChannel.OpenOrCreate(name, out _, new() { Capacity = capacity ?? Default, Lifetime = Lifetime.Keep }), elementSize: 0),
        };
    }
}
