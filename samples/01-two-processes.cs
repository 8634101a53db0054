// Hands a file from one process to another by name: dotnet run samples/01-two-processes.cs -- [FILE]
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory;

const int Edited = 16;

// Without these two, Ctrl-C and SIGTERM would end the process without disposing anything, and the name would stay.
using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => { signal.Cancel = true; stop.Cancel(); });
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => { signal.Cancel = true; stop.Cancel(); });
try
{
    return args switch
    {
        ["--second", var name, var path] => Second(name, path),
        [] or [_] => await FirstAsync(args is [var path] ? path : (string)AppContext.GetData("EntryPointFilePath")!, stop.Token),
        _ => throw new ArgumentException("usage: dotnet run samples/01-two-processes.cs -- [FILE]"),
    };
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException or OperationCanceledException)
{
    Console.Error.WriteLine($"01-two-processes: {e.Message}");
    return 1;
}

static async Task<int> FirstAsync(string path, CancellationToken stop)
{
    using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
    var name = SharedMemoryObject.CreateUniqueName("sample-01");

    // No process can open the object before it is filled and published. Disposing it removes the name.
    using var memory = SharedMemoryObject.CreateUnpublished(RandomAccess.GetLength(file), new() { Lifetime = Lifetime.UnlinkOnDispose });
    memory.CopyFrom(file);
    memory.Publish(name);
    Console.WriteLine($"first:  process {Environment.ProcessId} published {path}, {memory.Length} bytes, as {name}");

    var self = Environment.ProcessPath!;
    string[] program = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [self, Assembly.GetExecutingAssembly().Location] : [self];
    using var second = Process.Start(program[0], [.. program[1..], "--second", name, path]);
    await second.WaitForExitAsync(stop);

    // The second process inverted the first bytes: this process sees the change in the same memory.
    var before = new byte[Math.Min(Edited, memory.Length)];
    var after = new byte[before.Length];
    RandomAccess.Read(file, before, 0);
    memory.Read(after, 0);
    var seen = after.SequenceEqual(before.Select(b => (byte)~b));
    Console.WriteLine($"first:  {Convert.ToHexString(before)} is now {Convert.ToHexString(after)}: {(seen ? "the change arrived" : "NOT the change")}");
    return seen ? second.ExitCode : 1;
}

static int Second(string name, string path)
{
    using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
    using var memory = SharedMemoryObject.Open(name);
    using var map = memory.Length > 0 ? memory.Map() : null;   // An empty object cannot be mapped.
    var same = map is null || Same(map, file);
    Console.WriteLine($"second: process {Environment.ProcessId} mapped {name}, {memory.Length} bytes: {(same ? "the same as" : "NOT")} the file");
    foreach (ref var b in map is null ? [] : map.GetSpan(0, (int)Math.Min(Edited, map.Length)))
    {
        b = (byte)~b;
    }

    return same ? 0 : 1;
}

// Compares in parts, because one span has at most 2 GiB.
static bool Same(MemoryMapping map, SafeFileHandle file)
{
    var part = new byte[1 << 20];
    for (long at = 0, count; at < map.Length; at += count)
    {
        count = RandomAccess.Read(file, part, at);
        if (count == 0 || at + count > map.Length || !map.GetReadOnlySpan(at, (int)count).SequenceEqual(part.AsSpan(0, (int)count)))
        {
            return false;
        }
    }

    return true;
}
