// A consumer follows a producer that is killed and started again: dotnet run samples/28-following.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using Posix.SharedMemory;

if (args is ["--producer", var given])
{
    using var memory = SharedMemoryObject.Create(given, 4096, new() { Lifetime = Lifetime.UnlinkOnDispose, OnConflict = NameConflict.ReplaceAbandoned });
    using var map = memory.Map();
    Volatile.Write(ref map.GetReference<long>(0), Environment.ProcessId);
    Console.ReadLine();
    return 0;
}

const int Starts = 3;
var name = SharedMemoryObject.CreateUniqueName("sample-28");
var producer = StartProducer();
var followed = 0;
using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
var stop = limit.Token;

// snippet: consumer
while (followed < Starts)
{
    // Returns when a producer has started, or started again.
    using var memory = await SharedMemoryObject.OpenWhenReadyAsync(name, FileAccess.Read, 4096, stop);
    using var map = memory.Map();
    while (!memory.IsUnlinked)   // True when the name is gone, or refers to the object of the next producer.
    {
        Look(Volatile.Read(in map.GetReadOnlyReference<long>(0)));
        await Task.Delay(1, stop);
    }
}
// end

Console.WriteLine($"the consumer followed {followed} producers");
return 0;

// Kills a producer when it has been seen and starts the next one. The last one ends by itself, and removes the name.
void Look(long processId)
{
    if (processId == producer.Id && ++followed < Starts)
    {
        producer.Kill();
        producer.WaitForExit();
        producer = StartProducer();
    }
    else if (followed == Starts)
    {
        producer.StandardInput.Close();
    }
}

Process StartProducer() => Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["--producer", name]) { RedirectStandardInput = true })!;
