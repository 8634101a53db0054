using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary>A message channel: one writer, one reader.</summary>
internal sealed class MessageTopic(GivenName name, MessageChannel channel, int elementSize) : Topic
{
    internal override bool CanComplete => true;

    internal override bool HasTypes => true;

    internal override SendingEnd OpenWriter(EndpointOptions options)
    {
        if (elementSize != 0)
        {
            throw new CommandException($"{name}: the channel carries elements of {elementSize} bytes of a program's type, which only SharedChannel writes; shm topic tap and recv read them");
        }

        var writer = channel.OpenWriter(options);
        return new(writer.MaxMessageLength, writer.WriteAsync, () => writer.Complete(), writer);
    }

    internal override ReceivingEnd OpenReader(EndpointOptions options)
    {
        var reader = channel.OpenReader(options);
        return new(reader.WaitToReadAsync, TryTake, reader);

        bool TryTake(MessageAction print)
        {
            if (!reader.TryRead(out MessageLease message))
            {
                return false;
            }

            // Released only when it is printed: one that could not be printed comes again to the next reader.
            print(message.Span, message.Type, missed: 0);
            message.Dispose();
            return true;
        }
    }

    public override void Dispose() => channel.Dispose();
}
