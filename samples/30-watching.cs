// Which names come and go, as they do: dotnet run samples/30-watching.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Text;
using Posix.SharedMemory;
using Posix.SharedMemory.Inspection;

var draft = SharedMemoryObject.CreateUniqueName("sample-30");
var final = SharedMemoryObject.CreateUniqueName("sample-30");
using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
using var watcher = SharedMemoryDirectory.Watch();   // Reports every change from here on.
using var table = SharedMemoryObject.Create(draft, 4096, new() { Lifetime = Lifetime.UnlinkOnDispose });
var seen = new List<SharedMemoryChangeKind>();

await foreach (var change in watcher.WatchAsync(limit.Token))
{
    if (change.Kind == SharedMemoryChangeKind.Missed)
    {
        Console.WriteLine("SKIPPED: there were too many changes; a program would list the directory again.");
        return 0;
    }

    // An entry describes an object without opening it. If the object is gone by now, there is none.
    var name = Encoding.UTF8.GetString(change.NameBytes.Span);
    var entry = SharedMemoryDirectory.Find(name);
    if (name != draft && name != final)
    {
        continue;   // Another program's.
    }

    Console.WriteLine($"{change.Kind}: {name}, {(entry is null ? "gone" : $"{entry.Length} bytes")}");
    seen.Add(change.Kind);
    switch (change.Kind)
    {
        case SharedMemoryChangeKind.Added:
            table.Rename(final, RenameMode.NoReplace);   // This object's name. table.Name follows, and Dispose removes the new one.
            break;
        case SharedMemoryChangeKind.Renamed:
            table.Dispose();
            break;
        default:
            var isGone = !SharedMemoryObject.Exists(draft) && !SharedMemoryObject.Exists(final);
            return isGone && seen is [SharedMemoryChangeKind.Added, SharedMemoryChangeKind.Renamed, SharedMemoryChangeKind.Removed] ? 0 : 1;
    }
}

return 1;
