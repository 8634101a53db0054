// A worker service that awaits a lock: of two instances one works, and the other takes over when it is killed: dotnet run samples/45-worker-awaits.cs
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/Posix.SharedMemory.Threading/Posix.SharedMemory.Threading.csproj

using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Posix.SharedMemory;
using Posix.SharedMemory.Threading;

if (args is ["instance", var given])
{
    var builder = Host.CreateEmptyApplicationBuilder(null);
    builder.Services.AddSingleton(_ => NamedMutex.OpenOrCreate(given, out var _));   // Closed with the host.
    builder.Services.AddHostedService<Worker>();
    await builder.Build().RunAsync();
    return;
}

var name = SharedMemoryObject.CreateUniqueName("sample-45");
using var mutex = NamedMutex.OpenOrCreate(name, out _);
using Process one = Start(), other = Start();
Task<string?> first = one.StandardOutput.ReadLineAsync(), second = other.StandardOutput.ReadLineAsync();
var winner = await Task.WhenAny(first, second) == first ? one : other;
var waiting = winner == one ? second : first;
if (waiting.IsCompleted)
{
    throw new InvalidOperationException("Both work at once.");
}

winner.Kill();
winner.WaitForExit();
Console.WriteLine($"One instance worked, and was killed; the other: {await waiting}");
var survivor = winner == one ? other : one;
survivor.Kill();
survivor.WaitForExit();   // The last to close the name removes it, so that this process has to be it.

Process Start() => Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["instance", name]) { RedirectStandardOutput = true })!;

// snippet: worker
internal sealed class Worker(NamedMutex leadership) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // No thread waits, and the host's shutdown ends the wait. The lock may be kept across awaits.
        using var hold = await leadership.Lock.EnterAsync(CleanUp, stoppingToken);
        Console.WriteLine("working");
        await Task.Delay(Timeout.Infinite, stoppingToken);
    }

    // Only after the leader before was killed.
    private static ValueTask CleanUp(CancellationToken token)
    {
        Console.Write("cleaned up, ");
        return default;
    }
}
// end
