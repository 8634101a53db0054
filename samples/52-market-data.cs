// Quotes to a C# and a Python program, each with a ring of its own: dotnet run samples/52-market-data.cs
#:project ../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj

using System.Diagnostics;
using Posix.SharedMemory;
using Posix.SharedMemory.Channels;

const int Count = 20_000;
if (args is [var given])
{
    // snippet: read
    using var shared = SharedChannel.Open<Quote>(given);
    using var reader = shared.OpenReader(new() { Label = "strategy" });
    var (quotes, spreads) = (0, 0.0);
    await foreach (var quote in reader.ReadAllAsync())
    {
        (quotes, spreads) = (quotes + 1, spreads + (quote.Ask - quote.Bid));
    }
    // end

    return quotes == Count && spreads == Count * 0.25 ? 0 : 1;
}

var sources = (string)AppContext.GetData("EntryPointFileDirectoryPath")!;
var name = SharedMemoryObject.CreateUniqueName("sample-52");
using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
using var first = SharedChannel.Create<Quote>(name + "-strategy", capacity: 1024);
using var second = SharedChannel.Create<Quote>(name + "-python", capacity: 1024);
using var strategy = Process.Start(Environment.ProcessPath!, [name + "-strategy"]);
using var python = HasPython() ? Process.Start("python3", [Path.Combine(sources, "52-market-data.py"), $"/dev/shm/{name}-python", $"{Count}"]) : null;

// snippet: write
SharedChannel<Quote>[] readers = python is null ? [first] : [first, second];
var writers = readers.Select(channel => channel.OpenWriter(new() { Label = "feed" })).ToList();
for (var i = 0; i < Count; i++)
{
    var quote = new Quote(DateTime.UtcNow.Ticks, 100 + (i % 8), 100.25 + (i % 8));
    foreach (var writer in writers)
    {
        await writer.WriteAsync(quote, patience.Token);           // TryWrite instead would leave out what a slow reader has no room for.
    }
}
// end

writers.ForEach(writer => writer.Complete());
writers.ForEach(writer => writer.Dispose());
await Task.WhenAll(strategy.WaitForExitAsync(patience.Token), python?.WaitForExitAsync(patience.Token) ?? Task.CompletedTask);
Console.WriteLine(python is null ? "SKIPPED: the Python reader needs python3 3.10 with libatomic.so.1." : $"Python: exit code {python.ExitCode}");
Console.WriteLine($"C#: exit code {strategy.ExitCode}, of {first.GetStatus().Messages} quotes");
return strategy.ExitCode | (python?.ExitCode ?? 0);

static bool HasPython()
{
    using var process = Process.Start("sh", ["-c", "python3 -c 'import ctypes, sys; ctypes.CDLL(\"libatomic.so.1\"); sys.exit(sys.version_info < (3, 10))' 2>/dev/null"]);
    process.WaitForExit();
    return process.ExitCode == 0;
}

internal readonly record struct Quote(long Time, double Bid, double Ask);
