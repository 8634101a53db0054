// One process sends prices to three others: two get all of them, and one is slow and may lose some: dotnet run samples/62-market-data.cs
#:project ../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj

using System.Diagnostics;
using Posix.SharedMemory;
using Posix.SharedMemory.Channels;

const int Prices = 20_000;
if (args is [var given, var delivery])
{
    // snippet: read
    using var shared = Broadcast.Open(given);
    using var reader = shared.OpenReader(new() { Delivery = Enum.Parse<BroadcastDelivery>(delivery), Start = BroadcastStart.Last(1), Label = delivery });
    var price = new byte[8];
    long read = 0, missed = 0;
    while (reader.WaitToRead(Timeout.InfiniteTimeSpan))               // False: the writer has completed, and everything was read.
    {
        while (reader.TryRead(price, out var info))                   // A copy that is whole, however fast the writer is.
        {
            read++;
            missed += info.Missed;                                    // Just before this one. Lossless: always 0.
            if (delivery == "Lossy" && read % 1000 == 0)
            {
                Thread.Sleep(1);                                      // A slow reader.
            }
        }
    }
    // end

    Console.WriteLine($"{delivery}: {read} read, {missed} missed");
    return read + missed == Prices + 1 && (delivery == "Lossy" || missed == 0) ? 0 : 1;
}

var name = SharedMemoryObject.CreateUniqueName("sample-62");
using var prices = Broadcast.Create(name, new() { Capacity = 1 << 14, MaxReaders = 4, History = 100 });
// snippet: write
using var writer = prices.OpenWriter();
writer.Write(BitConverter.GetBytes(1.0823));                          // Whoever comes later gets it from the history.
// end
var readers = new[] { "Lossless", "Lossless", "Lossy" }.Select(each => Process.Start(Environment.ProcessPath!, [name, each])).ToList();
while (writer.Readers.Count(reader => reader.State == PeerState.Alive) < 3)
{
    Thread.Sleep(1);
}

for (var i = 0; i < Prices; i++)
{
    writer.Write(BitConverter.GetBytes(1.0823 + (i * 1e-7)));         // Waits for the slowest of those that lose nothing.
}

writer.Complete();
readers.ForEach(reader => reader.WaitForExit(20_000));
return readers.TrueForAll(reader => reader.HasExited && reader.ExitCode == 0) ? 0 : 1;
