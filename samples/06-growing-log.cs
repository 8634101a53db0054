// A log that grows while it is read: dotnet run samples/06-growing-log.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Text;
using Posix.SharedMemory;
using Posix.SharedMemory.Inspection;

const int Lines = 50_000, Header = 8;   // The first 8 bytes: how many bytes of the log are complete.
const long AddressSpace = 1L << 30;

// The reader: this program, started again with the log's name. It maps the log once, however long the log becomes.
if (args is ["read", var shared])
{
    using var opened = SharedMemoryObject.Open(shared, FileMode.Open, FileAccess.Read);
    using var view = opened.Map(new MappingOptions { AddressSpace = AddressSpace });
    int read = 0, growths = 0, wrong = 0;
    for (long at = Header; read < Lines;)
    {
        var complete = Volatile.Read(in view.GetReadOnlyReference<long>(0));
        growths += view.Length < complete && view.Refresh() ? 1 : 0;
        foreach (var line in Encoding.UTF8.GetString(view.GetReadOnlySpan(at, (int)(complete - at))).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            wrong += line == $"line {read++}" ? 0 : 1;
        }

        at = complete;
    }

    Console.WriteLine($"reader: {read} lines, {wrong} of them wrong; the log grew under the mapping {growths} times and never moved");
    return growths > 0 && wrong == 0 ? 0 : 1;
}

var name = SharedMemoryObject.CreateUniqueName("sample-06");
using var log = SharedMemoryObject.Create(name, 64 << 10, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = log.Map(new MappingOptions { AddressSpace = AddressSpace });
ref var end = ref map.GetReference<long>(0);   // Stays valid: growing does not move the first byte.
Volatile.Write(ref end, Header);
using var reader = Process.Start(Environment.ProcessPath!, ["read", name]);
while (!SharedMemoryDirectory.GetHolders(name).Any(holder => holder.ProcessId == reader.Id && holder.Mappings.Count > 0) && !reader.HasExited)
{
    Thread.Sleep(10);   // Until the reader has mapped it too.
}

for (var number = 0; number < Lines; number++)
{
    var line = Encoding.UTF8.GetBytes($"line {number}\n");
    if (end + line.Length > map.Length)
    {
        log.SetLength(map.Length + (64 << 10));
        map.Refresh();
    }

    line.CopyTo(map.GetSpan(end, line.Length));
    Volatile.Write(ref end, end + line.Length);   // First the bytes, then the word that says they are complete.
}

reader.WaitForExit();
Console.WriteLine($"writer: {Lines} lines in {end} bytes; the log grew to {log.Length >> 10} KiB");
return reader.ExitCode;
