using System.Globalization;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels.Tests.Connections;

/// <summary>A peer that sends and stores anything.</summary>
public sealed class Hostile
{
    [Theory]
    [InlineData(new byte[] { 0 }, "0x00")]
    [InlineData(new byte[] { 1, 1, 2 }, "0x02")]
    [InlineData(new byte[] { (byte)'S', (byte)'H', (byte)'X' }, "0x58")]
    [InlineData(new byte[] { (byte)'S', 1 }, "0x01")]
    [Rule("connection.garbage")]
    public async Task Bytes_that_belong_to_nothing_end_the_connection(byte[] bytes, string found)
    {
        using var pair = new SocketPair();
        using var connection = await MessageConnection.AcceptAsync(pair.Sender, new() { Capacity = 4096 });
        using var taken = await pair.Receiver.ReceiveObjectAsync();
        var (reading, receiving) = (connection.Input.WaitToReadAsync().AsTask(), connection.ReceiveObjectAsync().AsTask());
        while (connection.Output.TryWrite(new byte[1000]))
        {
        }

        var writing = connection.Output.WriteAsync(new byte[1000]).AsTask();
        pair.Receiver.Send(bytes);
        foreach (var task in (Task[])[reading, receiving, writing])
        {
            var corrupt = await Assert.ThrowsAsync<ChannelCorruptException>(() => task.WaitAsync(Watchdog.Limit));
            Assert.Equal(("the socket", (long)bytes.Length - 1), (corrupt.Field, corrupt.Offset));
            Assert.Contains(found, corrupt.Message, StringComparison.Ordinal);
        }

        Assert.Throws<ChannelCorruptException>(() => connection.Input.TryRead(out MessageLease _));
        Assert.Throws<ChannelCorruptException>(() => connection.Output.TryWrite(default));
    }

    [Fact]
    [Rule("connection.garbage")]
    public async Task A_descriptor_without_an_object_message_ends_the_connection_and_is_closed()
    {
        using var pair = new SocketPair();
        using var connection = await MessageConnection.AcceptAsync(pair.Sender, new() { Capacity = 4096 });
        using var taken = await pair.Receiver.ReceiveObjectAsync();
        using var stray = new Stray();
        await pair.Receiver.SendHandlesAsync(new byte[] { 1 }, [stray.Handle]);
        await Assert.ThrowsAsync<ChannelCorruptException>(() => connection.Input.WaitToReadAsync().AsTask().WaitAsync(Watchdog.Limit));
        Watchdog.Until(() => stray.Count == 0, "the stray descriptor to be closed");
    }

    [Fact]
    [Rule("connection.garbage")]
    public async Task Doorbells_are_read_and_mean_nothing()
    {
        using var pair = new SocketPair();
        using var connection = await MessageConnection.AcceptAsync(pair.Sender, new() { Capacity = 4096 });
        using var taken = await pair.Receiver.ReceiveObjectAsync();
        var bells = new byte[1000];
        bells.AsSpan().Fill(1);
        for (var i = 0; i < 1000; i++)
        {
            pair.Receiver.Send(bells);
        }

        using var sent = SharedMemoryObject.CreateAnonymous(4096);
        await pair.Receiver.SendObjectAsync(sent);
        (await connection.ReceiveObjectAsync().AsTask().WaitAsync(Watchdog.Limit)).Dispose();
        Assert.False(connection.Input.WaitToRead(TimeSpan.Zero));
        Assert.Equal(PeerState.None, connection.Input.Writer);
    }

    [Fact]
    [Rule("connection.garbage")]
    public async Task A_peer_that_sends_doorbells_without_a_pause_does_not_keep_the_thread_that_accepts_it()
    {
        using var pair = new SocketPair();
        var bells = new byte[1000];
        bells.AsSpan().Fill(1);
        using var stopping = new CancellationTokenSource();
        pair.Receiver.Send(bells);
        var flooding = Task.Factory.StartNew(
            () =>
            {
                try
                {
                    while (!stopping.IsCancellationRequested)
                    {
                        pair.Receiver.Send(bells);
                    }
                }
                catch (Exception e) when (e is System.Net.Sockets.SocketException or ObjectDisposedException)
                {
                    // The connection was closed.
                }
            },
            TaskCreationOptions.LongRunning);
        // On a thread of its own: one that is kept never comes back.
        using var connection = await Task.Run(() => MessageConnection.AcceptAsync(pair.Sender, new() { Capacity = 4096 }).AsTask()).WaitAsync(Watchdog.Limit);
        stopping.Cancel();
        connection.Dispose();
        await flooding.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("connection.garbage")]
    public async Task Garbage_ends_an_object_that_waits_for_room_in_the_socket()
    {
        using var pair = new SocketPair();
        using var connection = await MessageConnection.AcceptAsync(pair.Sender, new() { Capacity = 1 << 20 });
        using var memory = SharedMemoryObject.CreateAnonymous(4096);
        // Doorbells fill the socket, so that no descriptors pile up.
        var bells = new byte[1000];
        pair.Sender.Blocking = false;
        while (pair.Sender.Send(bells, System.Net.Sockets.SocketFlags.None, out var error) > 0 && error == System.Net.Sockets.SocketError.Success)
        {
        }

        var sending = connection.SendObjectAsync(memory).AsTask();
        while (sending.IsCompletedSuccessfully)
        {
            sending = connection.SendObjectAsync(memory).AsTask();
        }

        pair.Receiver.Send([0]);
        Assert.Equal("the socket", (await Assert.ThrowsAsync<ChannelCorruptException>(() => sending.WaitAsync(Watchdog.Limit))).Field);
    }

    [Fact]
    [Rule("connection.doorbell")]
    public async Task A_peer_that_sleeps_on_the_socket_is_rung()
    {
        using var pair = new SocketPair();
        using var connection = await MessageConnection.AcceptAsync(pair.Sender, new() { Capacity = 4096 });
        using var memory = await pair.Receiver.ReceiveObjectAsync(MemorySeals.Shrink);
        using var bytes = memory.Map();
        using var roster = Roster.Join(bytes, 4096, bytes.GetReference<ushort>(36));
        var reading = SharedEventCount.At(roster, bytes, 512);
        var writing = SharedEventCount.At(roster, bytes, 1024 + 640);
        var endpoints = (4096 + Roster.SizeFor(12) + 127) / 128 * 128;
        // Nobody sleeps: nothing is rung.
        bytes.GetReference<uint>(endpoints + 128 + 28) = 1;
        connection.Output.Write("one"u8);
        Assert.Equal(0, pair.Receiver.Available);
        // It sleeps, and does not want a byte.
        bytes.GetReference<uint>(endpoints + 128 + 28) = 0;
        reading.PrepareWait();
        connection.Output.Write("two"u8);
        Assert.Equal(0, pair.Receiver.Available);
        bytes.GetReference<uint>(endpoints + 128 + 28) = 1;
        reading.PrepareWait();
        connection.Output.Write("three"u8);
        var bell = new byte[10];
        Assert.Equal((1, 1), (pair.Receiver.Receive(bell), bell[0]));
        connection.Output.Write("four"u8);
        Assert.Equal(0, pair.Receiver.Available);
        // The other direction: it wrote, and waits for room. Its endpoint is 2.
        bytes.GetReference<uint>(endpoints + 256 + 28) = 1;
        var data = bytes.GetReference<long>(40) + 4096;
        bytes.GetReference<ulong>(data) = 8;
        bytes.GetReference<ulong>(1024 + 256) = 16;
        writing.PrepareWait();
        Assert.True(connection.Input.TryRead(new byte[8], out var length, out _));
        Assert.Equal((8, 1, 1), (length, pair.Receiver.Receive(bell), bell[0]));
        // A socket that is full holds nobody up.
        pair.Sender.SendBufferSize = 4096;
        for (var i = 0; i < 20_000; i++)
        {
            reading.PrepareWait();
            connection.Output.TryWrite("five"u8);
            bytes.GetReference<ulong>(384) = bytes.GetReference<ulong>(256);
        }

        Assert.InRange(pair.Receiver.Available, 1, 20_000);
        reading.PrepareWait();
        connection.Output.Complete();
        connection.Dispose();
        while (pair.Receiver.Receive(bell) > 0)
        {
        }
    }

    [Fact]
    [Rule("connection.hostile")]
    public async Task Whatever_is_stored_in_the_memory_an_end_is_corrupt_or_delivers_bytes_of_its_ring()
    {
        var seed = Environment.GetEnvironmentVariable("SHM_MODEL_SEED") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : Random.Shared.Next();
        var random = new Random(seed);
        var corrupt = 0;
        for (var round = 0; round < 60; round++)
        {
            using var both = await Both.OpenAsync();
            try
            {
                corrupt += Use(both, random) ? 1 : 0;
            }
#pragma warning disable CA1031 // Whatever it is, the seed makes it come again.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Assert.Fail($"SHM_MODEL_SEED={seed}, round {round}: {e}");
            }
        }

        Assert.InRange(corrupt, 10, 60);
    }

    private static bool Use(Both both, Random random)
    {
        long[] places = [256, 288, 384, 416, 512, 640, 704, 1280, 1312, 1408, 1440, 1536, 1664, 1728, 4096 + 64, 4096 + 128];
        var data = (long)both.U64(40);
        var buffer = new byte[4096];
        try
        {
            for (var step = 0; step < 300; step++)
            {
                both.Creator.Output.TryWrite(buffer.AsSpan(0, random.Next(200)));
                both.Receiver.Output.TryWrite(buffer.AsSpan(0, random.Next(200)));
                ref var word = ref both.U64(random.Next(3) == 0 ? data + (random.Next(1024) * 8L) : places[random.Next(places.Length)]);
                word = random.Next(5) switch
                {
                    0 => word ^ (1UL << random.Next(64)),
                    1 => word + (ulong)(random.Next(9) * 8),
                    2 => (ulong)random.NextInt64(),
                    3 => 8 | (0xFF00UL << 32),
                    _ => (ulong)random.Next(5000),
                };
                foreach (var input in (MessageReader[])[both.Creator.Input, both.Receiver.Input])
                {
                    input.TryRead(buffer, out _, out _);
                    input.WaitToRead(TimeSpan.FromTicks(10));
                    foreach (var message in input.ReadAvailable())
                    {
                        Assert.InRange(message.Span.Length, 0, 2040);
                    }
                }

                both.Creator.Output.WaitToWrite(10, TimeSpan.FromTicks(10));
            }

            return false;
        }
        catch (ChannelCorruptException)
        {
            return true;
        }
        catch (Exception e) when (e is ChannelException or InvalidOperationException)
        {
            // Bytes that a peer may store: an error at the end, a reader that takes no more, an endpoint that was left.
            return e is not InvalidOperationException || e.Message.Contains("takes no more", StringComparison.Ordinal);
        }
    }
}
