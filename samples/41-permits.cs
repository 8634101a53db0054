// A semaphore that limits work over four processes, and gets the permits of a killed one back: dotnet run samples/41-permits.cs
#:project ../src/Posix.SharedMemory.Threading/Posix.SharedMemory.Threading.csproj

using System.Diagnostics;
using Posix.SharedMemory;
using Posix.SharedMemory.Threading;

if (args is ["worker", var given])
{
    using var gate = NamedSemaphore.OpenExisting(given);
    gate.WaitOne();
    Console.WriteLine("working");
    Thread.Sleep(Timeout.Infinite);
}

var name = SharedMemoryObject.CreateUniqueName("sample-41");

// snippet: permits
// Two permits for the whole machine. With ReturnPermitsOfTheDead they belong to the process that took them.
using var permits = NamedSemaphore.Create(name, initialCount: 2, maximumCount: 2, new() { ReturnPermitsOfTheDead = true });
// end
var workers = Enumerable.Range(0, 4)
    .Select(_ => Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["worker", name]) { RedirectStandardOutput = true })!)
    .ToList();
var starts = workers.ToDictionary(worker => worker.StandardOutput.ReadLineAsync());
var working = new List<Process>();
for (var i = 0; i < 4; i++)
{
    if (working.Count == 2)
    {
        // snippet: dead
        if (permits.WaitOne(0))
        {
            throw new InvalidOperationException("Both permits are taken.");
        }

        working[0].Kill();   // Its permit goes to the next worker, at once.
        // end
        working.RemoveAt(0);
    }

    var started = await Task.WhenAny(starts.Keys);
    working.Add(starts[started]);
    starts.Remove(started);
}

workers.ForEach(worker => worker.Kill());
workers.ForEach(worker => worker.WaitForExit());   // Until they have ended they are members of the name, which the last one removes.
Console.WriteLine(await permits.Semaphore.WaitAsync(TimeSpan.FromSeconds(30))
    ? "Four workers shared two permits, and the permits of the killed are back."
    : throw new InvalidOperationException("A permit was lost."));
