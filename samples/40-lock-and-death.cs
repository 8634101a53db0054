// A named mutex around two numbers that belong together; one process is killed inside: dotnet run samples/40-lock-and-death.cs
#:project ../src/Posix.SharedMemory.Threading/Posix.SharedMemory.Threading.csproj

using System.Diagnostics;
using Posix.SharedMemory;
using Posix.SharedMemory.Threading;

if (args is ["clerk", var given, var data])
{
    // snippet: enter
    using var lockOfBoth = NamedMutex.OpenOrCreate(given, out _);
    using var memory = SharedMemoryObject.Open(data);
    using var accounts = memory.Map();
    while (true)
    {
        using var hold = await lockOfBoth.Lock.EnterAsync();   // No thread waits, and code inside may await.
        accounts.GetReference<long>(0) -= 1;
        accounts.GetReference<long>(8) += 1;
    }
    // end
}

var name = SharedMemoryObject.CreateUniqueName("sample-40");
using var mutex = NamedMutex.OpenOrCreate(@"Global\" + name, out var createdNew);
using var shared = SharedMemoryObject.Create(name + ".data", 4096, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = shared.Map();
var repairs = 0;

// snippet: repair
// Runs inside the lock, only after an owner died there: it makes what the lock protects whole again.
void Repair()
{
    map.GetReference<long>(8) = -map.GetReference<long>(0);
    repairs++;
}

for (var round = 1; round <= 20; round++)
{
    using var clerk = Process.Start(Environment.ProcessPath!, ["clerk", name, name + ".data"]);
    while (mutex.Lock.Holder is null)
    {
        Thread.Yield();
    }

    clerk.Kill();   // kill -9, as a rule while it is inside.
    using var hold = mutex.Lock.Enter(Repair);
    if (map.GetReference<long>(0) + map.GetReference<long>(8) != 0)
    {
        throw new InvalidOperationException("Half of a transfer is there.");
    }

    clerk.WaitForExit();   // Until it has ended it is a member of the name, which the last one removes.
}
// end

Console.WriteLine($"20 clerks were killed, {repairs} of them inside the lock; {map.GetReference<long>(8)} was transferred, and the sum is 0.");
