// A worker service that awaits two channels, and blocks no thread for either: dotnet run samples/54-two-channels.cs
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj

using System.Diagnostics;
using Posix.SharedMemory;
using Posix.SharedMemory.Channels;

if (args is [var given])
{
    Environment.ExitCode = 1;                                 // Unless the worker comes to its end.
    var builder = Host.CreateEmptyApplicationBuilder(null);   // What it opens is closed with the host.
    builder.Services.AddSingleton(_ => MessageChannel.Open(given + "-jobs")).AddSingleton(_ => LatestValue<int>.Open(given + "-levels")).AddHostedService<Worker>();
    await builder.Build().RunAsync();
    return Environment.ExitCode;
}

var name = SharedMemoryObject.CreateUniqueName("sample-54");
using var jobs = MessageChannel.Create(name + "-jobs");
using var levels = LatestValue<int>.Create(name + "-levels");
using var service = Process.Start(Environment.ProcessPath!, [name]);
using var jobWriter = jobs.OpenWriter();
using var levelWriter = levels.OpenWriter();
for (var i = 1; i <= 100; i++)
{
    levelWriter.Publish(i);
    jobWriter.Write(BitConverter.GetBytes(i));
}

jobWriter.Complete();
levelWriter.Complete();
service.WaitForExit();
Console.WriteLine(service.ExitCode == 0 ? "All jobs and the last level arrived." : "WRONG");
return service.ExitCode;

// snippet: worker
internal sealed class Worker(MessageChannel jobs, LatestValue<int> levels, IHostApplicationLifetime host) : BackgroundService
{
    private int _level, _sum;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.WhenAll(WorkAsync(stoppingToken), FollowAsync(stoppingToken));   // Until both are completed, or the host stops.
        Environment.ExitCode = _sum == 5050 && _level == 100 ? 0 : 1;
        host.StopApplication();
    }

    private async Task WorkAsync(CancellationToken stoppingToken)
    {
        using var reader = jobs.OpenReader(new() { Label = "worker" });
        await foreach (var job in reader.ReadAllAsync(stoppingToken)) { _sum += BitConverter.ToInt32(job.Span); }
    }

    private async Task FollowAsync(CancellationToken stoppingToken)
    {
        using var reader = levels.OpenReader(new() { Label = "worker" });
        for (var seen = 0L; await reader.WaitForChangeAsync(seen, stoppingToken) != seen;) { reader.TryRead(out _level, out seen); }
    }
}
// end
