// Messages from one process to another, the death of the writer included: dotnet run samples/50-channel.cs
#:project ../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj

using System.Diagnostics;
using System.Text;
using Posix.SharedMemory;
using Posix.SharedMemory.Channels;

if (args is ["write", var given])
{
    // snippet: write
    using var quotes = MessageChannel.Open(given);
    using var writer = quotes.OpenWriter(new() { Label = "feed" });
    for (var i = 0; i < 1000; i++)
    {
        writer.Write(Encoding.UTF8.GetBytes($"EURUSD {i}"));      // Waits while the ring is full.
    }
    // end

    Process.GetCurrentProcess().Kill();                           // Without completing the channel.
}

var name = SharedMemoryObject.CreateUniqueName("sample-50");
using var channel = MessageChannel.Create(name, new() { Capacity = 4096, ContentType = "text/plain" });
// "dotnet run" names the built program; it starts itself as the other process.
using var other = Process.Start(Environment.ProcessPath!, ["write", name]);
var (received, last, died) = (0, "", false);

// snippet: read
using var reader = channel.OpenReader();
try
{
    while (reader.WaitToRead(TimeSpan.FromMinutes(1)))
    {
        foreach (var message in reader.ReadAvailable())
        {
            last = Encoding.UTF8.GetString(message.Span);         // In place: no copy until here.
            received++;
        }
    }
}
catch (PeerDiedException e)
{
    died = true;                                                  // After everything it had committed.
    Console.WriteLine($"{e.Peer.Label}: {e.Message}");
}
// end

other.WaitForExit();
Console.WriteLine($"{received} messages, the last was '{last}'; the channel's writer: {channel.GetStatus().Endpoints[0].State}");
return received == 1000 && last == "EURUSD 999" && died ? 0 : 1;
