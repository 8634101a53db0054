using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Broadcasts;

/// <summary>Broadcasts of two objects, whose readers cannot write the data.</summary>
public sealed class Splitting
{
    private static readonly BroadcastReaderOptions s_lossy = new() { Delivery = BroadcastDelivery.Lossy };

    [Fact]
    [Rule("broadcast.split")]
    public async Task A_process_that_receives_both_objects_reads_waits_and_cannot_write()
    {
        using var broadcast = Broadcast.CreateSplit(new() { Capacity = 4096, MaxReaders = 2, History = 4 });
        using var writer = broadcast.OpenWriter(new() { Label = "feed" });
        Assert.True(writer.TryWrite([1]));
        using var received = Broadcast.FromObjects(await Pass(broadcast.Memory), await Pass(broadcast.Control!));
        Assert.Equal(MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.FutureWrite | MemorySeals.Seal, broadcast.Memory.Seals & ~MemorySeals.Exec);
        Assert.Equal(MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Seal, broadcast.Control!.Seals & ~MemorySeals.Exec);
        Assert.Equal(Errno.EPERM, Assert.Throws<SharedMemoryException>(() => received.Memory.Map(new MappingOptions { Access = FileAccess.ReadWrite })).Errno);
        Assert.Equal(Errno.EPERM, Assert.Throws<SharedMemoryException>(() => received.Memory.Write([1], 0)).Errno);
        Assert.Contains("only the process that created it", Assert.Throws<InvalidOperationException>(() => received.OpenWriter()).Message, StringComparison.Ordinal);
        foreach (var side in (Broadcast[])[broadcast, received])
        {
            Assert.Contains("Lossy", Assert.Throws<InvalidOperationException>(() => side.OpenReader()).Message, StringComparison.Ordinal);
        }

        using var reader = received.OpenReader(s_lossy with { Label = "one", Start = BroadcastStart.Oldest, SpinBudget = TimeSpan.Zero });
        using var second = received.OpenReader(s_lossy with { Label = "two" });
        Assert.Equal(Errno.EAGAIN, Assert.Throws<SharedMemoryException>(() => received.OpenReader(s_lossy)).Errno);
        Assert.Equal(["feed", "one", "two"], received.GetStatus().Endpoints.Select(endpoint => endpoint.Label));
        Assert.Equal(["one", "two"], writer.Readers.Select(one => one.Label));
        Assert.Equal(PeerState.Alive, reader.Writer);
        var bytes = new byte[64];
        Assert.True(reader.TryRead(bytes, out var info));
        Assert.Equal((0L, 1), (info.Sequence, info.Length));
        var waiting = reader.WaitToReadAsync().AsTask();
        var blocked = Task.Run(() => second.WaitToRead(Watchdog.Limit));
        Assert.True(writer.TryWrite([2]));
        Assert.True(await waiting.WaitAsync(Watchdog.Limit));
        Assert.True(await blocked.WaitAsync(Watchdog.Limit));
        for (var number = 0; number < 1000; number++)
        {
            Assert.True(writer.TryWrite(bytes));
        }

        Assert.Equal(4096, writer.Free);
        Assert.Equal((1002L, 0L, null), (received.GetStatus().Messages, received.GetStatus().Used, received.GetStatus().BlockedBy));
        while (reader.TryRead(bytes, out _))
        {
        }

        Assert.Equal(reader.Missed, writer.Readers[0].Missed);
        writer.Complete();
        Assert.False(reader.WaitToRead(Watchdog.Limit));
        await reader.Completion.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("broadcast.split")]
    public void Objects_that_do_not_belong_together_are_refused_and_stay_the_callers()
    {
        using Broadcast one = Broadcast.CreateSplit(new() { Capacity = 4096 }), other = Broadcast.CreateSplit(new() { Capacity = 4096 }), whole = Broadcast.CreateAnonymous(new() { Capacity = 4096 });
        using var empty = SharedMemoryObject.CreateAnonymous(0);
        foreach (var (data, control) in ((SharedMemoryObject, SharedMemoryObject)[])[(one.Memory, other.Control!), (one.Control!, one.Memory), (one.Memory, one.Memory), (one.Memory, empty), (empty, one.Control!), (whole.Memory, whole.Memory)])
        {
            Assert.Throws<InvalidDataException>(() => Broadcast.FromObjects(data, control));
        }

        Assert.Throws<ArgumentNullException>(() => Broadcast.FromObjects(null!, one.Control!));
        Assert.Throws<ArgumentNullException>(() => Broadcast.FromObjects(one.Memory, null!));
        Assert.Contains("FromObjects", Assert.Throws<InvalidDataException>(() => Broadcast.FromObject(one.Memory)).Message, StringComparison.Ordinal);
        Assert.Contains("FromObjects", Assert.Throws<InvalidDataException>(() => Broadcast.FromObject(one.Control!)).Message, StringComparison.Ordinal);
        Assert.Contains("with FromObject", Assert.Throws<InvalidDataException>(() => Broadcast.FromObjects(whole.Memory, one.Control!)).Message, StringComparison.Ordinal);
        Assert.ThrowsAny<ArgumentException>(() => Broadcast.CreateSplit(new() { Capacity = 5000 }));
        Assert.Null(whole.Control);
        // Nothing was closed.
        one.OpenWriter().Dispose();
        other.OpenReader(s_lossy).Dispose();
    }

    [Fact]
    [Rule("broadcast.split")]
    [Rule("broadcast.read-only")]
    public async Task Without_write_access_to_the_control_object_a_reader_takes_no_place_and_cannot_wait()
    {
        using var broadcast = Broadcast.CreateSplit(new() { Capacity = 4096 });
        using var writer = broadcast.OpenWriter();
        using var looking = Broadcast.FromObjects(await Pass(broadcast.Memory), SharedMemoryObject.FromHandle(Native.Open($"/proc/self/fd/{broadcast.Control!.SafeFileHandle.DangerousGetHandle()}", Native.O_RDONLY)));
        using var reader = looking.OpenReader(s_lossy);
        Assert.True(writer.TryWrite([7]));
        var bytes = new byte[1];
        Assert.True(reader.TryRead(bytes, out _));
        Assert.Equal((7, PeerState.Alive), (bytes[0], reader.Writer));
        Assert.Throws<NotSupportedException>(() => reader.WaitToRead(TimeSpan.Zero));
        Assert.Empty(writer.Readers);
        Assert.Throws<InvalidOperationException>(() => looking.OpenWriter());
    }

    [Fact]
    [Rule("broadcast.split")]
    [Rule("broadcast.hostile")]
    public async Task A_hostile_reader_that_scribbles_over_the_control_object_changes_and_delays_no_message()
    {
        var seed = Environment.GetEnvironmentVariable("SHM_MODEL_SEED") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : Random.Shared.Next();
        using var broadcast = Broadcast.CreateSplit(new() { Capacity = 4096, MaxReaders = 2, History = 8 });
        var writer = broadcast.OpenWriter();
        using var received = Broadcast.FromObjects(await Pass(broadcast.Memory), await Pass(broadcast.Control!));
        var reader = received.OpenReader(s_lossy);
        using var control = received.Control!.Map();
        using var stop = new CancellationTokenSource();
        var scribbling = Task.Run(() =>
        {
            var random = new Random(seed);
            while (!stop.IsCancellationRequested)
            {
                // Modes and positions that would hold a writer up, and anything anywhere.
                var place = random.Next(2) == 0 ? random.NextInt64(control.Length / 8) * 8 : (((4096 + Threading.Roster.SizeFor(11) + 127) / 128 * 128) + (128 * random.Next(3)) + (8 * random.Next(16)));
                Volatile.Write(ref control.GetReference<ulong>(place), random.Next(3) switch { 0 => 1, 1 => (ulong)random.NextInt64(), _ => (ulong)random.Next(100_000) });
            }
        });
        var (message, copy, read, expected) = (new byte[100], new byte[100], 0, 0L);
        for (var number = 0L; number < 50_000; number++)
        {
            message.AsSpan().Fill((byte)number);
            BitConverter.TryWriteBytes(message, number);
            Assert.True(writer.TryWrite(message), $"SHM_MODEL_SEED={seed}");
            while (number % 3 == 0 && reader.TryRead(copy, out var info))
            {
                Assert.Equal((expected + info.Missed, 100), (info.Sequence, info.Length));
                Assert.Equal(info.Sequence, BitConverter.ToInt64(copy));
                Assert.All(copy[8..], value => Assert.Equal((byte)info.Sequence, value));
                expected = info.Sequence + 1;
                read++;
            }
        }

        await stop.CancelAsync();
        await scribbling.WaitAsync(Watchdog.Limit);
        Assert.Equal(expected, read);
        Assert.Equal(50_000 - 1, (int)expected);
        writer.Complete();
        reader.Dispose();
        writer.Dispose();
    }

    private static async Task<SharedMemoryObject> Pass(SharedMemoryObject memory)
    {
        using var sockets = new SocketPair();
        await sockets.Sender.SendObjectAsync(memory);
        return await sockets.Receiver.ReceiveObjectAsync(MemorySeals.Shrink);
    }
}
