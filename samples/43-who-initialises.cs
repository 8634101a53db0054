// "Who initialises the memory?" Exactly one process, and if it is killed in the middle, the next one: dotnet run samples/43-who-initialises.cs
#:project ../src/Posix.SharedMemory.Threading/Posix.SharedMemory.Threading.csproj

using System.Diagnostics;
using Posix.SharedMemory;
using Posix.SharedMemory.Threading;

const long Once = 4096, Table = 8192;
const int Entries = 1000;

if (args is ["worker", var given, var how])
{
    using var memory = SharedMemoryObject.Open(given);
    using var map = memory.Map();
    using var roster = Roster.Join(map);
    // snippet: once
    var wasMine = SharedOnce.At(roster, Once).Run(() =>
    {
        // Over whatever a process that was killed here has left.
        var table = map.GetSpan<int>(Table, Entries);
        for (var i = 0; i < Entries; i++)
        {
            table[i] = i * i;
            Pause(i);
        }
    });
    // Here the table is complete, whoever has filled it.
    // end
    Console.WriteLine(wasMine ? "filled" : "found");
    return map.GetSpan<int>(Table, Entries)[^1] == (Entries - 1) * (Entries - 1) ? 0 : 1;

    void Pause(int entry)
    {
        if (how == "slow" && entry == Entries / 2)
        {
            Console.WriteLine("half");
            Thread.Sleep(Timeout.Infinite);
        }
    }
}

var name = SharedMemoryObject.CreateUniqueName("sample-43");
using var shared = SharedMemoryObject.Create(name, 16384, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var slow = Start("slow");
await slow.StandardOutput.ReadLineAsync();   // It is inside, and half of the table is there.
var workers = Enumerable.Range(0, 4).Select(_ => Start("fast")).ToArray();
slow.Kill();
var said = await Task.WhenAll(workers.Select(worker => worker.StandardOutput.ReadLineAsync()));
foreach (var worker in workers)
{
    await worker.WaitForExitAsync();
}

var good = said.Count(line => line == "filled") == 1 && said.Count(line => line == "found") == 3 && workers.All(worker => worker.ExitCode == 0);
Console.WriteLine(good ? "One was killed half-way; one of four filled the table, and the others found it complete." : $"WRONG: {string.Join(", ", said)}");
return good ? 0 : 1;

Process Start(string how) => Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["worker", name, how]) { RedirectStandardOutput = true })!;
