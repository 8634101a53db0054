using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary>A broadcast: one writer, and readers that get every message.</summary>
internal sealed class BroadcastTopic(Broadcast channel) : Topic
{
    /// <summary>How many messages one that is created keeps for readers that come later.</summary>
    internal const int History = 1024;

    internal override bool CanComplete => true;

    internal override bool HasTypes => true;

    internal override SendingEnd OpenWriter(EndpointOptions options)
    {
        var writer = channel.OpenWriter(options);
        return new(writer.MaxMessageLength, writer.WriteAsync, () => writer.Complete(), writer);
    }

    internal override ReceivingEnd OpenReader(EndpointOptions options)
    {
        var reader = channel.OpenReader(new BroadcastReaderOptions { Label = options.Label, Restart = options.Restart, SpinBudget = options.SpinBudget, Start = BroadcastStart.Oldest });
        return new(reader.WaitToReadAsync, TryTake, reader);

        bool TryTake(MessageAction print)
        {
            if (!reader.TryRead(out MessageLease message))
            {
                return false;
            }

            // Released only when it is printed: the writer waits until then.
            using (message)
            {
                print(message.Span, message.Type, missed: 0);
            }

            return true;
        }
    }

    public override void Dispose() => channel.Dispose();
}
