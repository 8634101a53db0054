// Hands a file from one process to another by name: dotnet run samples/01-two-processes.cs -- [FILE]
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Reflection;
using Posix.SharedMemory;

const int Edited = 16;

if (args is ["--second", var given, var original])
{
    return Second(given, original);
}

var path = args is [var file] ? file : (string)AppContext.GetData("EntryPointFilePath")!;
if (!File.Exists(path))
{
    Console.Error.WriteLine($"01-two-processes: there is no file {path}");
    return 1;
}

// No process can open the object before it is filled and published. Disposing it removes the name.
using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
using var memory = SharedMemoryObject.CreateUnpublished(RandomAccess.GetLength(handle), new() { Lifetime = Lifetime.UnlinkOnDispose });
memory.CopyFrom(handle);
var name = SharedMemoryObject.CreateUniqueName("sample-01");
memory.Publish(name);
Console.WriteLine($"first:  process {Environment.ProcessId} published {path}, {memory.Length} bytes, as {name}");

var self = Environment.ProcessPath!;
string[] program = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [self, Assembly.GetExecutingAssembly().Location] : [self];
using var second = Process.Start(program[0], [.. program[1..], "--second", name, path]);
second.WaitForExit();

// The second process inverted the first bytes: this process sees the change in the same memory.
var before = new byte[Math.Min(Edited, memory.Length)];
var after = new byte[before.Length];
RandomAccess.Read(handle, before, 0);
memory.Read(after, 0);
var seen = after.SequenceEqual(before.Select(b => (byte)~b));
Console.WriteLine($"first:  {Convert.ToHexString(before)} is now {Convert.ToHexString(after)}: {(seen ? "the change arrived" : "NOT the change")}");
return seen ? second.ExitCode : 1;

static int Second(string name, string path)
{
    using var memory = SharedMemoryObject.Open(name);
    using var map = memory.Length > 0 ? memory.Map() : null;   // An empty object cannot be mapped.
    var bytes = map is null ? [] : map.GetSpan();
    var same = bytes.SequenceEqual(File.ReadAllBytes(path));
    Console.WriteLine($"second: process {Environment.ProcessId} mapped {name}, {memory.Length} bytes: {(same ? "the same as" : "NOT")} the file");
    foreach (ref var b in bytes[..Math.Min(Edited, bytes.Length)])
    {
        b = (byte)~b;
    }

    return same ? 0 : 1;
}
