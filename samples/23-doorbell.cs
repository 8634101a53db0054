// A reader sleeps until another process, which it did not start, has something new: dotnet run samples/23-doorbell.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Net.Sockets;
using System.Reflection;
using Posix.SharedMemory;

const int Values = 1_000;
if (args is ["reader", var memoryName, var bellPath])
{
    return await ReadAsync(memoryName, bellPath);
}

// The two processes have nothing in common but these two names. Here one starts the other, so that this is one command.
var name = SharedMemoryObject.CreateUniqueName("sample-23");
var path = Path.Combine(Path.GetTempPath(), name);
var self = Environment.ProcessPath!;
string[] program = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [self, Assembly.GetExecutingAssembly().Location] : [self];
using var reader = Process.Start(program[0], [.. program[1..], "reader", name, path]);

// snippet: ring
using var memory = SharedMemoryObject.Create(name, 4096, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = memory.Map();
using var bell = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
var door = new UnixDomainSocketEndPoint(path);
for (var value = 1; value <= Values; value++)
{
    Volatile.Write(ref map.GetReference<int>(0), value);   // First the data …
    try
    {
        bell.SendTo([1], door);                             // … then the bell.
    }
    catch (SocketException)
    {
        // No reader is there, or it has not heard the last rings yet: it will look at the data in any case.
    }

    Thread.Sleep(1);                                        // The rate of a sensor.
}
// end

await reader.WaitForExitAsync();
return reader.ExitCode;

static async Task<int> ReadAsync(string name, string path)
{
    // snippet: listen
    using var bell = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    File.Delete(path);   // A reader that was killed leaves its socket's path.
    bell.Bind(new UnixDomainSocketEndPoint(path));
    // end
    try
    {
        // snippet: wait
        // Whichever program starts first: this waits until the object exists and has its length.
        using var memory = await SharedMemoryObject.OpenWhenReadyAsync(name, FileAccess.Read, minimumLength: 4096);
        // end
        using var map = memory.Map();
        var (last, looks) = (0, 0);

        // snippet: look
        var ring = new byte[1];
        while (last < Values)
        {
            // Look after every ring, and once before the first: the data counts, not the number of rings.
            last = Volatile.Read(in map.GetReadOnlyReference<int>(0));
            looks++;
            if (last < Values)
            {
                await bell.ReceiveAsync(ring);
            }
        }
        // end

        Console.WriteLine($"reader: saw the last of {Values} values after {looks} looks");
        return 0;
    }
    finally
    {
        File.Delete(path);
    }
}
