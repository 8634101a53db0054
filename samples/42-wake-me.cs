// "Wake me when there is something new": an event count over a mapping: dotnet run samples/42-wake-me.cs
#:project ../src/Posix.SharedMemory.Threading/Posix.SharedMemory.Threading.csproj

using System.Diagnostics;
using Posix.SharedMemory;
using Posix.SharedMemory.Threading;

const long Bell = 4096, News = 8192;
const int Last = 100_000;

if (args is ["reporter", var given])
{
    using var paper = SharedMemoryObject.Open(given);
    using var pages = paper.Map();
    using var us = Roster.Join(pages);
    var bell = SharedEventCount.At(us, Bell);
    // snippet: notify
    for (var issue = 1; issue <= Last; issue++)
    {
        Volatile.Write(ref pages.GetReference<int>(News), issue);
        bell.NotifyAll();   // One load, unless somebody sleeps.
    }
    // end

    return;
}

var name = SharedMemoryObject.CreateUniqueName("sample-42");
using var memory = SharedMemoryObject.Create(name, 16384, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = memory.Map();
using var roster = Roster.Join(map);   // Zeroed bytes are an empty roster.
var news = SharedEventCount.At(roster, Bell);
using var reporter = Process.Start(Environment.ProcessPath!, ["reporter", name]);
var (seen, waits) = (0, 0);
// snippet: wait
while (seen < Last)
{
    var key = news.PrepareWait();
    var now = Volatile.Read(ref map.GetReference<int>(News));   // Look again: it may have come before the key.
    if (now == seen)
    {
        await news.WaitAsync(key);   // Returns, too, if the reporter dies.
        waits++;
        continue;
    }

    news.CancelWait(key);
    seen = now;
}
// end

await reporter.WaitForExitAsync();
Console.WriteLine($"Read issue {seen} after {waits} waits.");
