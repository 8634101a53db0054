using System.Text;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Connections;

/// <summary>Objects among the messages.</summary>
public sealed class Objects
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Rule("connection.object")]
    public async Task Objects_stand_among_the_messages_in_the_order_in_which_they_were_sent(bool inOrder)
    {
        using var both = await Both.OpenAsync();
        for (var i = 1; i <= 3; i++)
        {
            both.Creator.Output.Write(Encoding.UTF8.GetBytes($"before {i}"));
            using var sent = SharedMemoryObject.CreateAnonymous(i * 4096);
            await both.Creator.SendObjectAsync(sent);
        }

        both.Creator.Output.Write("last"u8);
        both.Creator.Output.Complete();
        for (var i = 1; i <= 3; i++)
        {
            if (!inOrder)
            {
                using var early = await both.Receiver.ReceiveObjectAsync();
                Assert.Equal(i * 4096, early.Length);
            }

            Assert.Equal($"before {i}", Opening.Read(both.Receiver).Text);
            if (inOrder)
            {
                // The record tells where it stands; it can be read, or left.
                if (i == 2)
                {
                    Assert.Equal(MessageConnection.ObjectMessageType, Opening.Read(both.Receiver).Type);
                }

                using var got = await both.Receiver.ReceiveObjectAsync();
                Assert.Equal(i * 4096, got.Length);
            }
        }

        Assert.True(both.Receiver.Input.WaitToRead(Watchdog.Limit));
        Assert.Equal(("last", (ushort)0), Opening.Read(both.Receiver));
        Assert.False(await both.Receiver.Input.WaitToReadAsync());
        Assert.Equal(0, both.Receiver.Input.Available);
    }

    [Fact]
    [Rule("connection.object")]
    public async Task Reading_all_messages_passes_over_the_records_of_objects()
    {
        using var both = await Both.OpenAsync();
        using var sent = SharedMemoryObject.CreateAnonymous(4096);
        await both.Creator.SendObjectAsync(sent);
        both.Creator.Output.Write("one"u8);
        await both.Creator.SendObjectAsync(sent);
        both.Creator.Output.Write("two"u8);
        await both.Creator.SendObjectAsync(sent);
        both.Creator.Output.Complete();
        var messages = new List<string>();
        await foreach (var message in both.Receiver.Input.ReadAllAsync())
        {
            messages.Add(Encoding.UTF8.GetString(message.Span));
        }

        Assert.Equal(["one", "two"], messages);
        for (var i = 0; i < 3; i++)
        {
            (await both.Receiver.ReceiveObjectAsync()).Dispose();
        }
    }

    [Fact]
    [Rule("connection.object")]
    public async Task A_record_that_is_passed_over_ends_no_wait_and_gives_its_room_back()
    {
        using var both = await Both.OpenAsync();
        using var sent = SharedMemoryObject.CreateAnonymous(4096);
        for (var i = 0; i < 1000; i++)
        {
            await both.Creator.SendObjectAsync(sent).AsTask().WaitAsync(Watchdog.Limit);
            (await both.Receiver.ReceiveObjectAsync()).Dispose();
            if (i % 3 == 0)
            {
                Assert.False(both.Receiver.Input.WaitToRead(TimeSpan.Zero));
                Assert.Equal(0, both.Receiver.Input.Available);
            }
            else if (i % 3 == 1)
            {
                Assert.False(both.Receiver.Input.TryRead(out MessageLease _));
            }
            else
            {
                foreach (var message in both.Receiver.Input.ReadAvailable())
                {
                    Assert.Fail($"A message of {message.Span.Length} bytes.");
                }
            }
        }

        both.Creator.Output.Write("after"u8);
        Assert.Equal("after", Opening.Read(both.Receiver).Text);
    }

    [Fact]
    [Rule("connection.object")]
    public async Task A_hundred_mebibytes_are_passed_without_a_copy()
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var listener = new MessageListener(directory.File("sock"), new() { Capacity = 4096 });
        using var peer = Partner.Start("connection", "connect", directory.File("sock"));
        using var connection = await listener.AcceptAsync();
        Assert.Equal("open", peer.ReadLine());
        peer.Ask("write one");
        Assert.Equal("sent", peer.Ask("send 104857600"));
        peer.Ask("write two");
        Assert.Equal("one", Opening.Read(connection).Text);
        using var got = await connection.ReceiveObjectAsync(MemorySeals.Shrink);
        Assert.Equal("two", Opening.Read(connection).Text);
        using var mapping = got.Map();
        Assert.Equal((100 << 20, 7), (mapping.GetSpan().Length, mapping.GetSpan()[^1]));
    }

    [Fact]
    [Rule("connection.object-refused")]
    public async Task An_object_that_is_not_as_required_is_refused_and_the_connection_goes_on()
    {
        using var pair = new SocketPair();
        using var connection = await MessageConnection.AcceptAsync(pair.Sender, new() { Capacity = 4096 });
        using var taken = await pair.Receiver.ReceiveObjectAsync();
        using var unsealed = SharedMemoryObject.CreateAnonymous(4096);
        await pair.Receiver.SendObjectAsync(unsealed);
        Assert.Contains("lacks Shrink", (await RefusedAsync(MemorySeals.Shrink)).Message, StringComparison.Ordinal);
        await pair.Receiver.SendHandlesAsync(Message(8192), [unsealed.SafeFileHandle]);
        Assert.Contains("announces 8192", (await RefusedAsync(MemorySeals.None)).Message, StringComparison.Ordinal);
        await pair.Receiver.SendHandlesAsync(Message(-1), [unsealed.SafeFileHandle]);
        await RefusedAsync(MemorySeals.None);
        await pair.Receiver.SendHandlesAsync(Message(0), [pair.Receiver.SafeHandle]);
        Assert.Contains("not memory", (await RefusedAsync(MemorySeals.None)).Message, StringComparison.Ordinal);
        await pair.Receiver.SendHandlesAsync(Message(4096), [unsealed.SafeFileHandle, unsealed.SafeFileHandle]);
        Assert.Contains("more than one", (await RefusedAsync(MemorySeals.None)).Message, StringComparison.Ordinal);
        pair.Receiver.Send(Message(4096));
        Assert.Contains("without a descriptor", (await RefusedAsync(MemorySeals.None)).Message, StringComparison.Ordinal);
        unsealed.AddSeals(MemorySeals.Shrink | MemorySeals.Write);
        // Bytes that come one by one, with doorbells between the messages.
        pair.Receiver.Send([1, 1, 1]);
        await pair.Receiver.SendHandlesAsync(Message(4096).AsMemory(0, 1), [unsealed.SafeFileHandle]);
        foreach (var value in Message(4096)[1..])
        {
            pair.Receiver.Send([value]);
        }

        pair.Receiver.Send([1]);
        using var got = await connection.ReceiveObjectAsync(MemorySeals.Shrink | MemorySeals.FutureWrite);
        Assert.Equal(4096, got.Length);

        Task<InvalidDataException> RefusedAsync(MemorySeals required) => Assert.ThrowsAsync<InvalidDataException>(() => connection.ReceiveObjectAsync(required).AsTask().WaitAsync(Watchdog.Limit));
    }

    [Fact]
    [Rule("connection.object-cancelled")]
    public async Task A_send_that_is_cancelled_has_sent_nothing()
    {
        using var both = await Both.OpenAsync();
        using var sent = SharedMemoryObject.CreateAnonymous(4096);
        while (both.Creator.Output.TryWrite(new byte[8]))
        {
        }

        using var cancelling = new CancellationTokenSource();
        var sending = both.Creator.SendObjectAsync(sent, cancelling.Token).AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(() => both.Creator.SendObjectAsync(sent).AsTask());
        cancelling.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(Watchdog.Limit));
        while (both.Receiver.Input.TryRead(out MessageLease lease))
        {
            Assert.Equal(0, lease.Type);
            lease.Dispose();
        }

        await both.Creator.SendObjectAsync(sent);
        (await both.Receiver.ReceiveObjectAsync()).Dispose();
        var receiving = both.Receiver.ReceiveObjectAsync(cancellationToken: new CancellationTokenSource(20).Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receiving.AsTask().WaitAsync(Watchdog.Limit));
        both.Creator.Output.Complete();
        await Assert.ThrowsAsync<InvalidOperationException>(() => both.Creator.SendObjectAsync(sent).AsTask());
    }

    [Fact]
    [Rule("connection.flood")]
    public async Task Objects_that_nobody_receives_are_not_collected_without_bound()
    {
        using var pair = new SocketPair();
        using var connection = await MessageConnection.AcceptAsync(pair.Sender, new() { Capacity = 4096 });
        using var taken = await pair.Receiver.ReceiveObjectAsync();
        using var stray = new Stray();
        for (var i = 0; i < 40; i++)
        {
            await pair.Receiver.SendHandlesAsync(Message(4096), Enumerable.Repeat(stray.Handle, i % 2 == 0 ? 1 : 20).ToArray());
        }

        // One that is on its way into the queue, and one that is being received.
        Assert.InRange(stray.Count, 0, 8 + 2);
        for (var i = 0; i < 40; i++)
        {
            await Assert.ThrowsAsync<InvalidDataException>(() => connection.ReceiveObjectAsync().AsTask().WaitAsync(Watchdog.Limit));
        }

        await pair.Receiver.SendHandlesAsync(Message(4096), [stray.Handle]);
        connection.Dispose();
        Watchdog.Until(() => stray.Count == 0, "the descriptors of a closed connection to go");
    }

    internal static byte[] Message(long length) => [.. "SHMOBJ\0\u0001"u8, .. BitConverter.GetBytes(length)];
}
