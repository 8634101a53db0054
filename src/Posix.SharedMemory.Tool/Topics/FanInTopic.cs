using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary>A fan-in: many writers, one reader.</summary>
internal sealed class FanInTopic(FanIn channel) : Topic
{
    internal override bool CanComplete => false;

    internal override bool HasTypes => true;

    internal override SendingEnd OpenWriter(EndpointOptions options)
    {
        var writer = channel.OpenWriter(options);
        return new(writer.MaxMessageLength, writer.WriteAsync, () => { }, writer);
    }

    internal override ReceivingEnd OpenReader(EndpointOptions options)
    {
        var reader = channel.OpenReader(options);
        return new(reader.WaitToReadAsync, TryTake, reader);

        bool TryTake(MessageAction print)
        {
            if (!reader.TryRead(out FanInLease message))
            {
                return false;
            }

            // Released only when it is printed, as in a message channel.
            print(message.Span, message.Type, missed: 0);
            message.Dispose();
            return true;
        }
    }

    public override void Dispose() => channel.Dispose();
}
