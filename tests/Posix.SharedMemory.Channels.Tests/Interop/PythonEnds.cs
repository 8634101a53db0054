using System.Buffers.Binary;

namespace Posix.SharedMemory.Channels.Tests.Interop;

/// <summary>What an end in Python leaves behind where it is closed early, or refused.</summary>
public sealed class PythonEnds
{
    private const string Program = """
        import mmap, sys
        sys.path.insert(0, sys.argv[2])
        import psm_channel, psm_fanin
        with open(sys.argv[1], "r+b") as file:
            memory = mmap.mmap(file.fileno(), 0)
        try:
            writer = psm_fanin.Writer(memory, "python")
            with writer.batch() as batch:
                print(batch.try_write(b"one"), flush=True)
                writer.close()
        except psm_channel.Corrupt:
            print("corrupt", flush=True)
        """;

    [SkippableFact]
    [Rule("fanin.batch")]
    [Rule("channel.languages")]
    public void A_writer_that_is_closed_inside_a_batch_loses_no_claim()
    {
        Languages.RequirePython();
        using var name = new TemporaryName("fanin");
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 2 });
        using var reader = fanIn.OpenReader();
        Assert.Equal("True\n", Run(name));
        using var writer = fanIn.OpenWriter();
        writer.Write("two"u8);
        Assert.True(reader.WaitToRead(Watchdog.Limit));
        Assert.True(reader.TryRead(out FanInLease lease));
        using (lease)
        {
            Assert.Equal("two"u8, lease.Span);
        }

        Assert.Equal(0, reader.LostClaims);
    }

    [SkippableFact]
    [Rule("channel.languages")]
    public void An_end_that_finds_the_channel_corrupt_while_it_is_opened_leaves_the_roster_once()
    {
        Languages.RequirePython();
        using var name = new TemporaryName("fanin");
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 2 });
        // Both writers are a seat's that the roster does not have.
        var owner = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(owner, (1u << 28) | (1000u << 18) | 1);
        var header = new byte[64];
        fanIn.Memory.Read(header, 0);
        var endpoints = (4096 + ((64 + (32 * BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(36))) + 63) / 64 * 64) + 127) / 128 * 128;
        fanIn.Memory.Write(owner, endpoints);
        fanIn.Memory.Write(owner, endpoints + 128);
        Assert.Equal("corrupt\n", Run(name));
    }

    private static string Run(TemporaryName name)
    {
        using var peer = Peer.Run("python3", "-c", Program, name.Path, Path.Combine(AppContext.BaseDirectory, "interop"));
        var (_, output, errors) = peer.Finish();
        Assert.Equal("", errors);
        return output;
    }
}
