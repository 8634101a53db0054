using System.Diagnostics;
using System.Net.Sockets;
using Consumer;
using Posix.SharedMemory;
using Posix.SharedMemory.Inspection;

if (args is ["--second", var path, var shown])
{
    return await SecondAsync(path, shown);
}

ReadmeProgram.Run();

var name = SharedMemoryObject.CreateUniqueName("consumer");
var socketPath = Path.Combine(Path.GetTempPath(), name);
using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
try
{
    // Nobody sees the object before it is filled.
    using var memory = SharedMemoryObject.CreateUnpublished(1 << 20, new() { Lifetime = Lifetime.UnlinkOnDispose });
    using var map = memory.Map(new() { AddressSpace = 4 << 20 });
    using (var lease = map.Acquire())
    {
        lease.GetReference<long>(0) = 41;
        lease.GetSpan(8, 4).Fill(7);
    }

    Check(!SharedMemoryObject.TryOpen(name, FileAccess.Read, out _), "an unpublished object has no name");
    memory.Publish(name);
    Check(memory.Length == 1 << 20 && memory.GetStatus().AllocatedBytes >= 1 << 20, "the memory is reserved");
    Check(SharedMemoryDirectory.Enumerate().Any(entry => entry.Name == name), "it is listed");

    listener.Bind(new UnixDomainSocketEndPoint(socketPath));
    listener.Listen();
    using var sealedMemory = SharedMemoryObject.CreateAnonymous(4096);
    sealedMemory.Write("sealed"u8, 0);
    sealedMemory.AddSeals(MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Write);
    using var second = Process.Start(Environment.ProcessPath!, ["--second", socketPath, name]);
    using var connection = await listener.AcceptAsync(new CancellationTokenSource(TimeSpan.FromMinutes(1)).Token);
    Check(connection.GetPeerCredentials().ProcessId == second.Id, "the peer is the process started");
    await connection.SendObjectAsync(sealedMemory);
    await second.WaitForExitAsync();
    Check(second.ExitCode == 0, "the second process found all as it should be");
    Check(map.GetReference<long>(0) == 42, "what the second process wrote is seen");

    memory.SetLength(2 << 20);
    Check(map.Refresh() && map.Length == 2 << 20, "growth is adopted");
    try
    {
        using var taken = SharedMemoryObject.Create(name, 1);
        Check(false, "a taken name is refused");
    }
    catch (SharedMemoryException e)
    {
        Check(e.Errno == Errno.EEXIST && e.ObjectName == name, "a taken name is EEXIST");
    }
}
finally
{
    File.Delete(socketPath);
}

Check(!SharedMemoryObject.TryUnlink(name), "the name went with the object");
Console.WriteLine($"consumer: created, mapped, published, opened and passed, by {typeof(SharedMemoryObject).Assembly.GetName().Version}");
return 0;

static async Task<int> SecondAsync(string path, string name)
{
    using var shared = SharedMemoryObject.Open(name);
    using var view = shared.Map();
    Check(Interlocked.Increment(ref view.GetReference<long>(0)) == 42, "the published bytes are there");
    Check(view.GetReadOnlySpan(8, 4).SequenceEqual((ReadOnlySpan<byte>)[7, 7, 7, 7]), "all of them");

    using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
    using var received = await socket.ReceiveObjectAsync(MemorySeals.Shrink | MemorySeals.Write);
    using var map = received.Map(new() { Access = FileAccess.Read });
    Check(map.IsStable && map.GetReadOnlySpan(0, 6).SequenceEqual("sealed"u8), "the sealed bytes came");
    return 0;
}

static void Check(bool holds, string what)
{
    if (!holds)
    {
        throw new InvalidOperationException($"Not so: {what}.");
    }
}
