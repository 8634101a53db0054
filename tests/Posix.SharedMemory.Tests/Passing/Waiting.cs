using System.Net.Sockets;

namespace Posix.SharedMemory.Tests.Passing;

/// <summary>Sending while the socket is full.</summary>
public sealed class Waiting
{
    public static TheoryData<SocketType> Types => Sending.Types;

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("pass.full")]
    [Rule("pass.ready")]
    public async Task Waits_for_room_and_then_sends(SocketType type)
    {
        using var pair = new SocketPair(type);
        using var one = new Tracked();
        _ = pair.Fill();
        var sending = pair.Sender.SendHandlesAsync(new byte[] { 77 }, [one.Handle]).AsTask();
        Assert.False(sending.IsCompleted);
        var found = 0;
        var drained = new byte[1 << 20];
        while (found == 0)
        {
            using var result = await pair.Receiver.ReceiveHandlesAsync(drained, 1).AsTask().WaitAsync(Watchdog.Limit);
            found += result.Handles.Count;
            Assert.True(found == 0 || drained[0] == 77);
        }

        await sending.WaitAsync(Watchdog.Limit);
        Assert.Equal(1, one.Descriptors);
        Assert.True(pair.Sender.Blocking);
    }

    [Fact]
    [Rule("pass.whole")]
    public async Task A_stream_sends_everything_in_parts_with_the_handles_in_the_first_one()
    {
        using var pair = new SocketPair();
        using var one = new Tracked();
        var data = Pattern.Of(5_000_001);
        var sending = pair.Sender.SendHandlesAsync(data, [one.Handle, one.Handle]).AsTask();
        Assert.False(sending.IsCompleted);
        var received = new byte[data.Length];
        var counts = new List<int>();
        for (var done = 0; done < received.Length;)
        {
            using var result = await pair.Receiver.ReceiveHandlesAsync(received.AsMemory(done), 2).AsTask().WaitAsync(Watchdog.Limit);
            counts.Add(result.Handles.Count);
            done += result.BytesReceived;
        }

        await sending.WaitAsync(Watchdog.Limit);
        Assert.Equal(data, received);
        Assert.Equal(2, counts[0]);
        Assert.Equal(2, counts.Sum());
    }

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("pass.full")]
    public async Task Cancelling_ends_the_wait_and_the_socket_can_be_disposed_at_once(SocketType type)
    {
        using var one = new Tracked();
        for (var round = 0; round < 50; round++)
        {
            using var pair = new SocketPair(type, inheritable: round % 2 == 1);
            _ = pair.Fill();
            using var cancelling = new CancellationTokenSource();
            var sending = pair.Sender.SendHandlesAsync(new byte[1], [one.Handle], cancelling.Token).AsTask();
            Assert.False(sending.IsCompleted);
            await cancelling.CancelAsync();
            var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(Watchdog.Limit));
            Assert.Equal(cancelling.Token, cancelled.CancellationToken);
            pair.Drain();
            await pair.Sender.SendHandlesAsync(new byte[1], [one.Handle]);
        }

        Watchdog.Until(() => one.Descriptors == 1, "the sockets with handles in them to be gone");
    }

    [Theory]
    [InlineData(SocketType.Stream, false)]
    [InlineData(SocketType.Stream, true)]
    [InlineData(SocketType.Seqpacket, false)]
    [InlineData(SocketType.Seqpacket, true)]
    [InlineData(SocketType.Dgram, false)]
    [InlineData(SocketType.Dgram, true)]
    [Rule("pass.full")]
    public async Task Disposing_the_socket_ends_all_waits_for_it(SocketType type, bool inheritable)
    {
        using var pair = new SocketPair(type, inheritable);
        using var other = new SocketPair(type);
        using var one = new Tracked();
        _ = pair.Fill();
        _ = other.Fill();
        var sendings = Enumerable.Range(0, 5).Select(_ => pair.Sender.SendHandlesAsync(new byte[1], [one.Handle]).AsTask()).ToList();
        var unconcerned = other.Sender.SendHandlesAsync(new byte[1], [one.Handle]).AsTask();
        _ = Watchdog.Run(
            () =>
            {
                pair.Sender.Dispose();
                return 0;
            },
            "the disposal");
        foreach (var sending in sendings)
        {
            // The disposal shuts down first, which a waiting sender may meet as EPIPE.
            var failure = await Record.ExceptionAsync(() => sending.WaitAsync(Watchdog.Limit));
            Assert.True(failure is ObjectDisposedException or SharedMemoryException { Operation: "sendmsg" }, $"{failure}");
        }

        Assert.False(unconcerned.IsCompleted);
        other.Drain();
        await unconcerned.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("pass.full")]
    public async Task Disposing_a_socket_whose_handle_another_object_owns_ends_the_wait_too()
    {
        using var pair = new SocketPair();
        using var one = new Tracked();
        using var borrowed = new Socket(new SafeSocketHandle(pair.Sender.SafeHandle.DangerousGetHandle(), ownsHandle: false));
        _ = pair.Fill();
        var sending = borrowed.SendHandlesAsync(new byte[1], [one.Handle]).AsTask();
        Assert.False(sending.IsCompleted);
        _ = Watchdog.Run(
            () =>
            {
                borrowed.Dispose();
                return 0;
            },
            "the disposal");
        await Assert.ThrowsAsync<ObjectDisposedException>(() => sending.WaitAsync(Watchdog.Limit));
    }

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("pass.full")]
    public async Task The_peers_closing_ends_the_wait_with_an_error(SocketType type)
    {
        using var pair = new SocketPair(type);
        using var one = new Tracked();
        _ = pair.Fill();
        var sending = pair.Sender.SendHandlesAsync(new byte[1], [one.Handle]).AsTask();
        pair.Receiver.Dispose();
        var failure = await Assert.ThrowsAsync<SharedMemoryException>(() => sending.WaitAsync(Watchdog.Limit));
        Assert.Contains(failure.Errno, new[] { Errno.EPIPE, Errno.ECONNRESET, Errno.ECONNREFUSED });
    }

    [Fact]
    [Rule("pass.full")]
    public async Task A_connected_datagram_socket_waits_for_the_receivers_queue()
    {
        using var directory = TemporaryDirectory.InMemory();
        var path = directory.File("socket");
        using var receiver = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        receiver.Bind(new UnixDomainSocketEndPoint(path));
        using var sender = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        await sender.ConnectAsync(new UnixDomainSocketEndPoint(path));
        using var one = new Tracked();
        var sendings = new List<Task>();
        while (sendings.Count(sending => !sending.IsCompleted) < 3)
        {
            sendings.Add(sender.SendHandlesAsync(new byte[1], [one.Handle]).AsTask());
        }

        for (var round = 0; round < sendings.Count; round++)
        {
            using var result = await receiver.ReceiveHandlesAsync(new byte[1], 1).AsTask().WaitAsync(Watchdog.Limit);
            Assert.Equal((1, 1), (result.BytesReceived, result.Handles.Count));
        }

        await Task.WhenAll(sendings).WaitAsync(Watchdog.Limit);
        Assert.Equal(1, one.Descriptors);
    }

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("pass.full")]
    [Rule("pass.wait")]
    public async Task Many_senders_and_receivers_of_many_sockets_lose_nothing(SocketType type)
    {
        const int Sockets = 20, Senders = 4, Each = 200;
        using var one = new Tracked();
        var pairs = Enumerable.Range(0, Sockets).Select(_ => new SocketPair(type)).ToList();
        pairs.ForEach(pair => pair.Sender.SendBufferSize = 4096);
        var payload = new byte[type == SocketType.Stream ? 1 : 300];
        var sending = pairs.SelectMany(pair => Enumerable.Range(0, Senders).Select(_ => Task.Run(async () =>
        {
            for (var round = 0; round < Each; round++)
            {
                await pair.Sender.SendHandlesAsync(payload, [one.Handle]);
            }
        }))).ToList();
        var receiving = pairs.SelectMany(pair => Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            // The two share what comes.
            for (var round = 0; round < Senders * Each / 2; round++)
            {
                using var result = await pair.Receiver.ReceiveHandlesAsync(new byte[payload.Length], 1);
                Assert.Equal((payload.Length, 1, false), (result.BytesReceived, result.Handles.Count, result.HandlesDropped));
            }
        }))).ToList();
        await Task.WhenAll([.. sending, .. receiving]).WaitAsync(Watchdog.Limit);
        pairs.ForEach(pair => pair.Dispose());
        Assert.Equal(1, one.Descriptors);
    }
}
