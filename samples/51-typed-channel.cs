// A System.Threading.Channels reader and writer over shared memory: dotnet run samples/51-typed-channel.cs
#:project ../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj

using System.Diagnostics;
using System.Threading.Channels;
using Posix.SharedMemory;
using Posix.SharedMemory.Channels;

if (args is ["read", var given])
{
    using var shared = SharedChannel.Open<Reading>(given);
    using var reader = shared.OpenReader(new() { Restart = PeerRestart.Wait });
    return await Sum(reader) == Enumerable.Range(0, 10_000).Sum(i => i / 2.0) ? 0 : 1;
}

var name = SharedMemoryObject.CreateUniqueName("sample-51");
using var channel = SharedChannel.Create<Reading>(name, capacity: 256);
using var other = Process.Start(Environment.ProcessPath!, ["read", name]);
using var writer = channel.OpenWriter(new() { Restart = PeerRestart.Wait });
await Produce(writer);
other.WaitForExit();
Console.WriteLine($"the other process summed {channel.GetStatus().Messages} readings: {(other.ExitCode == 0 ? "right" : "wrong")}");
return other.ExitCode;

// Neither of these knows that the other is in another process.
static async Task Produce(ChannelWriter<Reading> writer)
{
    for (var i = 0; i < 10_000; i++)
    {
        await writer.WriteAsync(new(i, i / 2.0));
    }

    writer.Complete();
}

static async Task<double> Sum(ChannelReader<Reading> reader)
{
    var sum = 0.0;
    await foreach (var reading in reader.ReadAllAsync())
    {
        sum += reading.Value;
    }

    return sum;
}

internal readonly record struct Reading(long Number, double Value);
