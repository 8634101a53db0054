// A service that is stopped, killed and started again: dotnet run samples/24-restarting.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Runtime.InteropServices;
using Posix.SharedMemory;

if (args is ["--producer", var given])
{
    Produce(given);
    return 0;
}

var name = SharedMemoryObject.CreateUniqueName("sample-24");
var good = true;
// What a shell runs in the background ignores SIGINT (Ctrl-C), and so does what that starts.
var ignored = Convert.ToUInt64(File.ReadLines("/proc/self/status").First(line => line.StartsWith("SigIgn:"))[7..].Trim(), 16);
foreach (var signal in (string[])[(ignored & 2) == 0 ? "INT" : "TERM", "KILL", "KILL", "TERM"])
{
    ProcessStartInfo start = new(Environment.ProcessPath!, ["--producer", name]) { RedirectStandardOutput = true };
    using var producer = Process.Start(start)!;
    good &= await producer.StandardOutput.ReadLineAsync() == "the producer is ready";
    using var kill = Process.Start("sh", ["-c", $"kill -{signal} {producer.Id}"]);
    await producer.WaitForExitAsync();
    var isLeft = SharedMemoryObject.Exists(name);
    Console.WriteLine($"started, then SIG{signal}: exit code {producer.ExitCode}, the name is {(isLeft ? "left" : "gone")}");
    good &= isLeft == (signal == "KILL");
}

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
    Console.WriteLine("the producer is ready");
    while (!stop.IsCancellationRequested)
    {
        Interlocked.Increment(ref map.GetReference<long>(0));
        stop.Token.WaitHandle.WaitOne(1);
    }
    // end
}
