using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary>A latest value: one writer, and readers that see each value that is the newest when they look.</summary>
internal sealed class LatestTopic(LatestBytes channel) : Topic
{
    internal override bool CanComplete => true;

    internal override bool HasTypes => false;

    internal override SendingEnd OpenWriter(EndpointOptions options)
    {
        var writer = channel.OpenWriter(options);
        return new(writer.MaxLength, Publish, () => writer.Complete(), writer);

        ValueTask Publish(ReadOnlyMemory<byte> value, ushort type, CancellationToken cancellationToken)
        {
            writer.Publish(value.Span);
            return ValueTask.CompletedTask;
        }
    }

    internal override ReceivingEnd OpenReader(EndpointOptions options)
    {
        var reader = channel.OpenReader(options);
        var bytes = new byte[reader.MaxLength];
        var seen = 0L;
        return new(WaitAsync, TryTake, reader);

        async ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => await reader.WaitForChangeAsync(seen, cancellationToken).ConfigureAwait(false) != seen;

        bool TryTake(MessageAction print)
        {
            if (!reader.TryRead(bytes, out var length, out var version) || version == seen)
            {
                return false;
            }

            // Versions are even.
            print(bytes.AsSpan(0, length), type: 0, missed: seen == 0 || version < seen ? 0 : ((version - seen) / 2) - 1);
            seen = version;
            return true;
        }
    }

    public override void Dispose() => channel.Dispose();
}
