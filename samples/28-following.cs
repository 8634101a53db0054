// A consumer follows a producer that is killed and started again: dotnet run samples/28-following.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Reflection;
using Posix.SharedMemory;

const int Starts = 3;
if (args is ["--producer", var given])
{
    using var memory = SharedMemoryObject.Create(given, 4096, new() { Lifetime = Lifetime.UnlinkOnDispose, OnConflict = NameConflict.ReplaceAbandoned });
    using var map = memory.Map();
    Volatile.Write(ref map.GetReference<long>(0), Environment.ProcessId);
    Console.ReadLine();
    return 0;
}

var name = SharedMemoryObject.CreateUniqueName("sample-28");
var self = Environment.ProcessPath!;
string[] program = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [self, Assembly.GetExecutingAssembly().Location] : [self];
Process producer = StartProducer();
var followed = 0;
using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
try
{
    await FollowAsync(limit.Token);
}
catch (OperationCanceledException) when (followed == Starts)
{
    // The end of the sample: the last producer has removed its name, and no other follows.
}

Console.WriteLine($"the consumer followed {followed} producers");
return 0;

async Task FollowAsync(CancellationToken stop)
{
    // snippet: consumer
    while (true)
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
}

// Ends a producer when it has been seen, and starts the next one.
void Look(long processId)
{
    if (processId != producer.Id)
    {
        return;
    }

    if (++followed < Starts)
    {
        producer.Kill();
        producer.WaitForExit();
        producer = StartProducer();
    }
    else
    {
        producer.StandardInput.Close();
        producer.WaitForExit();
        limit.Cancel();
    }
}

Process StartProducer() => Process.Start(new ProcessStartInfo(program[0], [.. program[1..], "--producer", name]) { RedirectStandardInput = true })!;
