// A service that is stopped, killed and started again, and a consumer that follows it: dotnet run samples/24-restarting.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using Posix.SharedMemory;

if (args is ["--producer", var given])
{
    Produce(given);
    return 0;
}

var name = SharedMemoryObject.CreateUniqueName("sample-24");
var self = Environment.ProcessPath!;
string[] program = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [self, Assembly.GetExecutingAssembly().Location] : [self];
using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
var producers = 0;
var good = true;
var consumer = ConsumeAsync(name, () => Interlocked.Increment(ref producers), limit.Token);

string[] signals = ["TERM", "KILL", "KILL", "TERM"];
for (var start = 1; start <= signals.Length; start++)
{
    using var producer = Process.Start(program[0], [.. program[1..], "--producer", name]);
    while (Volatile.Read(ref producers) < start && !producer.HasExited && !limit.IsCancellationRequested)
    {
        await Task.Delay(1);
    }

    using var kill = Process.Start("sh", ["-c", $"kill -{signals[start - 1]} {producer.Id}"]);
    await producer.WaitForExitAsync();
    var isLeft = SharedMemoryObject.TryOpen(name, FileAccess.Read, out var left);
    left?.Dispose();
    Console.WriteLine($"start {start}, then SIG{signals[start - 1]}: exit code {producer.ExitCode}, the name is {(isLeft ? "left" : "gone")}");
    good &= isLeft == (signals[start - 1] == "KILL") && Volatile.Read(ref producers) == start;
}

await limit.CancelAsync();
await consumer;
Console.WriteLine($"the consumer followed {producers} producers");
return good ? 0 : 1;

static void Produce(string name)
{
    // snippet: signals
    using var stop = new CancellationTokenSource();
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;   // The process goes on: Main returns, and everything is disposed.
        stop.Cancel();
    }
    // end

    // snippet: producer
    // Succeeds if the previous producer was killed and left the name; fails with EEXIST if it is still running.
    using var memory = SharedMemoryObject.Create(name, 4096, new()
    {
        Lifetime = Lifetime.UnlinkOnDispose,
        OnConflict = NameConflict.ReplaceAbandoned,
    });
    using var map = memory.Map();
    while (!stop.IsCancellationRequested)
    {
        Interlocked.Increment(ref map.GetReference<long>(0));
        stop.Token.WaitHandle.WaitOne(1);
    }
    // end
}

static async Task ConsumeAsync(string name, Action onProducer, CancellationToken stop)
{
    try
    {
        // snippet: consumer
        while (true)
        {
            // Returns when a producer has started, or started again.
            using var memory = await SharedMemoryObject.OpenWhenReadyAsync(name, FileAccess.Read, 4096, stop);
            using var map = memory.Map();
            onProducer();
            while (!memory.IsUnlinked)   // True when the name is gone, or refers to the object of the next producer.
            {
                _ = Volatile.Read(in map.GetReadOnlyReference<long>(0));
                await Task.Delay(1, stop);
            }
        }
        // end
    }
    catch (OperationCanceledException)
    {
        // The end of the sample.
    }
}
