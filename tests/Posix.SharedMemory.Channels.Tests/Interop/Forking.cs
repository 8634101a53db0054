using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Interop;

/// <summary>A peer in Python that forks: the child has the descriptors, and no end.</summary>
public sealed class Forking
{
    private const string Program = """
        import mmap, os, sys
        sys.path.insert(0, sys.argv[2])
        import psm_channel
        with open(sys.argv[1], "r+b") as file:
            memory = mmap.mmap(file.fileno(), 0)
            writer = psm_channel.Writer(memory, "parent")
            first = os.fork()
            if first == 0:
                os._exit(0)
            os.waitpid(first, 0)
            writer.write(b"one child has ended")
            second = os.fork()
            if second == 0:
                sys.stdin.read()
                os._exit(0)
            writer.write(b"one child lives")
            print(second, flush=True)
            sys.stdin.read()
        """;

    [SkippableFact]
    [Rule("endpoint.fork")]
    public void A_forked_child_neither_ends_its_parents_end_nor_hides_its_death()
    {
        Languages.RequirePython();
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
        using var reader = channel.OpenReader();
        using var peer = Peer.Run("python3", "-c", Program, name.Path, Path.Combine(AppContext.BaseDirectory, "interop"));
        var child = int.Parse(peer.ReadLine(), CultureInfo.InvariantCulture);
        try
        {
            Assert.Equal(("one child has ended", "one child lives"), (Read(reader), Read(reader)));
            Assert.Equal(PeerState.Alive, reader.Writer);
            Assert.Equal(Errno.EBUSY, Assert.Throws<SharedMemoryException>(() => channel.OpenWriter()).Errno);
            Native.Kill(peer.ProcessId, Native.SIGKILL);
            // The child still has the object open and mapped.
            Assert.Throws<PeerDiedException>(() => reader.WaitToRead(Watchdog.Limit));
            Assert.True(Directory.Exists($"/proc/{child}"));
            using var next = channel.OpenWriter();
            next.Write("goes on"u8);
            Assert.Equal("goes on", Read(reader));
        }
        finally
        {
            Native.Kill(child, Native.SIGKILL);
        }
    }

    private static string Read(MessageReader reader)
    {
        Span<byte> bytes = stackalloc byte[100];
        return reader.TryRead(bytes, out var length, out _) ? System.Text.Encoding.UTF8.GetString(bytes[..length]) : "empty";
    }
}
