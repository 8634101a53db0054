using System.Buffers;
using System.Diagnostics;
using System.Threading.Channels;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Posix.SharedMemory.Bridge.Benchmarks.Roles;

/// <summary>The same bytes through the client of NATS alone, with the settings that the bridge gives it.</summary>
internal static class OverNats
{
    private const string Subject = "plain";

    internal static async Task<string> ReceiveAsync(string url, int length, int count)
    {
        await using var connection = new NatsConnection(Options(url));
        await using var subscription = await connection.SubscribeCoreAsync<NatsMemoryOwner<byte>>(Subject);
        await connection.PingAsync();
        Console.WriteLine("open");
        long start = 0, read = 0;
        await foreach (var message in subscription.Msgs.ReadAllAsync())
        {
            using (message.Data)
            {
                start = start == 0 ? Stopwatch.GetTimestamp() : start;
                if (message.Data.Memory.Length != length)
                {
                    throw new InvalidDataException($"a message has {message.Data.Memory.Length} bytes");
                }
            }

            if (++read == count)
            {
                break;
            }
        }

        return Figures.Of(read, read * length, Stopwatch.GetElapsedTime(start));
    }

    internal static async Task<string> SendAsync(string url, int length, int count)
    {
        await using var connection = new NatsConnection(Options(url));
        await connection.ConnectAsync();
        var message = new byte[length];
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            await connection.PublishAsync(Subject, (ReadOnlyMemory<byte>)message, serializer: RawSerializer.Instance);
        }

        await connection.PingAsync();
        return Figures.Of(count, (long)count * length, Stopwatch.GetElapsedTime(start));
    }

    internal static async Task<string> PingAsync(string url, int count)
    {
        await using var connection = new NatsConnection(Options(url));
        await using var subscription = await connection.SubscribeCoreAsync<NatsMemoryOwner<byte>>("back");
        await connection.PingAsync();
        var message = new byte[64];
        var trips = new List<long>(count);
        for (var number = -count / 10; number < count; number++)
        {
            var start = Stopwatch.GetTimestamp();
            await connection.PublishAsync("there", (ReadOnlyMemory<byte>)message, serializer: RawSerializer.Instance);
            (await subscription.Msgs.ReadAsync()).Data.Dispose();
            if (number >= 0)
            {
                trips.Add(Stopwatch.GetTimestamp() - start);
            }
        }

        return Figures.OfTrips(trips);
    }

    internal static async Task<string> PongAsync(string url)
    {
        await using var connection = new NatsConnection(Options(url));
        await using var subscription = await connection.SubscribeCoreAsync<NatsMemoryOwner<byte>>("there");
        await connection.PingAsync();
        Console.WriteLine("open");
        await foreach (var message in subscription.Msgs.ReadAllAsync())
        {
            using (message.Data)
            {
                await connection.PublishAsync("back", (ReadOnlyMemory<byte>)message.Data.Memory, serializer: RawSerializer.Instance);
            }
        }

        return "done=1";
    }

    /// <summary>Makes the stream of a durable channel beforehand, in memory: the bridge leaves one that exists as it is.</summary>
    internal static async Task<string> MakeMemoryStreamAsync(string url, string channel)
    {
        await using var connection = new NatsConnection(Options(url));
        await new NatsJSContext(connection).CreateStreamAsync(new StreamConfig($"shm=v1=t={channel.Replace('.', '=')}", [$"shm.v1.t.{channel}"])
        {
            Retention = StreamConfigRetention.Interest,
            Storage = StreamConfigStorage.Memory,
            Discard = StreamConfigDiscard.New,
        });
        return "done=1";
    }

    private static NatsOpts Options(string url) => new()
    {
        Url = url,
        Echo = false,
        WriterBufferSize = 1 << 20,
        ReaderBufferSize = 1 << 20,
        SubPendingChannelFullMode = BoundedChannelFullMode.Wait,
    };

    private sealed class RawSerializer : INatsSerialize<ReadOnlyMemory<byte>>
    {
        internal static readonly RawSerializer Instance = new();

        public void Serialize(IBufferWriter<byte> bufferWriter, ReadOnlyMemory<byte> value) => bufferWriter.Write(value.Span);
    }
}
