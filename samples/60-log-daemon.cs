// Four processes log to one, and one of them is killed in the middle of a message: dotnet run samples/60-log-daemon.cs
#:project ../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj

using System.Diagnostics;
using System.Text;
using Posix.SharedMemory;
using Posix.SharedMemory.Channels;

if (args is [var given, var number])
{
    // snippet: write
    using var shared = FanIn.Open(given);
    using var writer = shared.OpenWriter(new() { Label = $"service {number}" });
    for (var i = 0; i < 1000; i++)
    {
        writer.Write(Encoding.UTF8.GetBytes($"line {i}"));            // Waits while there is no room.
    }
    // end

    if (number == "2" && writer.TryReserve(100, out _))
    {
        Process.GetCurrentProcess().Kill();                           // The message was begun, and is never committed.
    }

    return 0;
}

var name = SharedMemoryObject.CreateUniqueName("sample-60");
using var log = FanIn.Create(name, new() { Capacity = 1 << 16, ContentType = "text/plain" });
var services = Enumerable.Range(1, 4).Select(n => Process.Start(Environment.ProcessPath!, [name, $"{n}"])).ToList();
var lines = new Dictionary<string, int>();
var ended = Task.WhenAll(services.Select(service => service.WaitForExitAsync()));

// snippet: read
using var reader = log.OpenReader(new() { Label = "daemon" });
while (!ended.IsCompleted || reader.Available > 0)
{
    reader.WaitToRead(TimeSpan.FromMilliseconds(50));
    while (reader.TryRead(out var message))                           // In the order of the claims; those of the dead are passed over.
    {
        using (message)
        {
            var label = message.Writer.Label;
            lines[label] = lines.GetValueOrDefault(label) + 1;
        }
    }
}
// end

Console.WriteLine($"{string.Join(", ", lines.OrderBy(line => line.Key).Select(line => $"{line.Key}: {line.Value}"))}; lost: {reader.LostClaims}");
Console.WriteLine(string.Join(", ", reader.Writers.Select(writer => $"{writer.Label} {writer.State}").Order()));
services.ForEach(service => service.Dispose());
return lines.Values.Sum() == 4000 && reader.LostClaims == 1 ? 0 : 1;
