using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tests.Passing;

public sealed partial class Receiving
{
    public static TheoryData<SocketType> Types => Sending.Types;

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("pass.surplus")]
    public async Task Closes_the_handles_beyond_those_asked_for_and_says_so(SocketType type)
    {
        using var one = new Tracked();
        foreach (var (sent, asked) in new[] { (1, 0), (2, 1), (3, 1), (4, 2), (Native.MostHandles, 0), (Native.MostHandles, 1), (Native.MostHandles, Native.MostHandles - 1), (5, 4), (130, 129) })
        {
            using var pair = new SocketPair(type);
            await pair.Sender.SendHandlesAsync(new byte[] { 5 }, [.. Enumerable.Repeat(one.Handle, sent)]);
            var buffer = new byte[1];
            using (var result = await pair.Receiver.ReceiveHandlesAsync(buffer, asked))
            {
                Assert.Equal((1, asked, true, false), (result.BytesReceived, result.Handles.Count, result.HandlesDropped, result.DataTruncated));
                Assert.Equal(5, buffer[0]);
                Assert.Equal(1 + asked, one.Descriptors);
            }

            Assert.Equal(1, one.Descriptors);
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("pass.places")]
    public async Task Into_places_of_the_caller(SocketType type)
    {
        using var pair = new SocketPair(type);
        using var one = new Tracked();
        foreach (var (sent, places) in new[] { (0, 0), (0, 1), (1, 0), (1, 1), (2, 3), (3, 2), (Native.MostHandles, Native.MostHandles - 1), (Native.MostHandles, Native.MostHandles) })
        {
            // Before it is sent, and after.
            var handles = new SafeFileHandle?[places];
            var buffer = new byte[2];
            var waiting = pair.Receiver.ReceiveHandlesAsync(buffer, handles).AsTask();
            Assert.False(waiting.IsCompleted);
            for (var turn = 0; turn < 2; turn++)
            {
                await pair.Sender.SendHandlesAsync(new byte[] { 5, 6 }, [.. Enumerable.Repeat(one.Handle, sent)]);
                var receipt = await (turn == 0 ? waiting : pair.Receiver.ReceiveHandlesAsync(buffer, handles).AsTask()).WaitAsync(Watchdog.Limit);
                var taken = Math.Min(sent, places);
                Assert.Equal(new(2, taken, HandlesDropped: sent > places, DataTruncated: false), receipt);
                Assert.Equal([5, 6], buffer);
                Assert.Equal(1 + taken, one.Descriptors);
                Assert.All(handles[..taken], handle => Assert.False(handle!.IsInvalid));
                Assert.All(handles[taken..], Assert.Null);
                Array.ForEach(handles[..taken], handle => handle!.Dispose());
                Array.Clear(handles);
            }
        }

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => pair.Receiver.ReceiveHandlesAsync(new byte[1], new SafeFileHandle?[254]).AsTask());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => pair.Receiver.ReceiveHandlesAsync(new byte[1], new SafeFileHandle?[1], new CancellationToken(canceled: true)).AsTask());
    }

    [Theory]
    [InlineData(SocketType.Seqpacket)]
    [InlineData(SocketType.Dgram)]
    [Rule("pass.places")]
    public async Task Into_places_of_the_caller_with_too_small_a_buffer(SocketType type)
    {
        using var pair = new SocketPair(type);
        using var one = new Tracked();
        await pair.Sender.SendHandlesAsync(new byte[2], [one.Handle]);
        var handles = new SafeFileHandle?[2];
        Assert.Equal(new(1, 1, HandlesDropped: false, DataTruncated: true), await pair.Receiver.ReceiveHandlesAsync(new byte[1], handles));
        handles[0]!.Dispose();
    }

    [Fact]
    [Rule("pass.places")]
    [Rule("pass.end")]
    public async Task Into_places_of_the_caller_an_empty_buffer_and_a_closed_stream_bring_nothing()
    {
        using var pair = new SocketPair();
        using var one = new Tracked();
        var handles = new SafeFileHandle?[1];
        var waiting = pair.Receiver.ReceiveHandlesAsync(default, handles).AsTask();
        Assert.False(waiting.IsCompleted);
        await pair.Sender.SendHandlesAsync(new byte[3], [one.Handle]);
        Assert.Equal(default, await waiting.WaitAsync(Watchdog.Limit));
        Assert.Equal(new(3, 1, HandlesDropped: false, DataTruncated: false), await pair.Receiver.ReceiveHandlesAsync(new byte[3], handles));
        handles[0]!.Dispose();
        var closing = pair.Receiver.ReceiveHandlesAsync(new byte[1], handles).AsTask();
        pair.Sender.Dispose();
        Assert.Equal(default, await closing.WaitAsync(Watchdog.Limit));
        using var alone = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await Assert.ThrowsAsync<SharedMemoryException>(() => alone.ReceiveHandlesAsync(new byte[1], handles).AsTask());
    }

    [Fact]
    public async Task Receives_nothing_if_it_is_already_cancelled()
    {
        using var pair = new SocketPair();
        await pair.Sender.SendHandlesAsync(new byte[] { 5 }, []);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => pair.Receiver.ReceiveHandlesAsync(new byte[1], 1, new CancellationToken(canceled: true)).AsTask());
        using var result = await pair.Receiver.ReceiveHandlesAsync(new byte[1], 1);
        Assert.Equal(1, result.BytesReceived);
    }

    [Theory]
    [InlineData(SocketType.Seqpacket)]
    [InlineData(SocketType.Dgram)]
    [Rule("pass.truncated")]
    [Rule("pass.empty")]
    public async Task Says_that_a_message_was_longer_than_the_buffer(SocketType type)
    {
        using var pair = new SocketPair(type);
        using var one = new Tracked();
        foreach (var room in new[] { 9, 1, 0 })
        {
            await pair.Sender.SendHandlesAsync(Pattern.Of(10), [one.Handle]);
            var buffer = new byte[room];
            using var result = await pair.Receiver.ReceiveHandlesAsync(buffer, 1);
            Assert.Equal((room, 1, false, true), (result.BytesReceived, result.Handles.Count, result.HandlesDropped, result.DataTruncated));
            Assert.Equal(Pattern.Of(10)[..room], buffer);
        }

        await pair.Sender.SendHandlesAsync(Pattern.Of(10), []);
        using var whole = await pair.Receiver.ReceiveHandlesAsync(new byte[10], 1);
        Assert.False(whole.DataTruncated);
    }

    [Fact]
    [Rule("pass.empty")]
    public async Task With_an_empty_buffer_only_waits_on_a_stream_and_receives_nothing()
    {
        using var pair = new SocketPair();
        using var one = new Tracked();
        var waiting = pair.Receiver.ReceiveHandlesAsync(default, 1).AsTask();
        Assert.False(waiting.IsCompleted);
        await pair.Sender.SendHandlesAsync(new byte[3], [one.Handle]);
        foreach (var empty in new[] { await waiting, await pair.Receiver.ReceiveHandlesAsync(default, 1) })
        {
            Assert.Equal((0, 0, false), (empty.BytesReceived, empty.Handles.Count, empty.HandlesDropped));
        }

        using var result = await pair.Receiver.ReceiveHandlesAsync(new byte[9], 1);
        Assert.Equal((3, 1), (result.BytesReceived, result.Handles.Count));
    }

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("pass.wait")]
    public async Task Waits_until_a_message_arrives_and_receives_all_of_it(SocketType type)
    {
        using var pair = new SocketPair(type);
        using var one = new Tracked();
        foreach (var bytes in type == SocketType.Stream ? new[] { 1, 9 } : [0, 1, 9])
        {
            var receiving = pair.Receiver.ReceiveHandlesAsync(new byte[9], 2).AsTask();
            Assert.False(receiving.IsCompleted);
            await pair.Sender.SendHandlesAsync(new byte[bytes], [one.Handle, one.Handle]);
            using var result = await receiving.WaitAsync(Watchdog.Limit);
            Assert.Equal((bytes, 2, false), (result.BytesReceived, result.Handles.Count, result.HandlesDropped));
        }

        Assert.Equal(1, one.Descriptors);
        Assert.True(pair.Receiver.Blocking);
    }

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("pass.wait")]
    public async Task Cancelling_loses_nothing(SocketType type)
    {
        using var pair = new SocketPair(type);
        using var one = new Tracked();
        for (var round = 0; round < 300; round++)
        {
            using var cancelling = new CancellationTokenSource();
            var receiving = pair.Receiver.ReceiveHandlesAsync(new byte[1], 1, cancelling.Token).AsTask();
            var sending = Task.Run(async () => await pair.Sender.SendHandlesAsync(new byte[1], [one.Handle]));
            await cancelling.CancelAsync();
            HandleReceiveResult result;
            try
            {
                result = await receiving.WaitAsync(Watchdog.Limit);
            }
            catch (OperationCanceledException)
            {
                result = await pair.Receiver.ReceiveHandlesAsync(new byte[1], 1).AsTask().WaitAsync(Watchdog.Limit);
            }

            using (result)
            {
                Assert.Equal((1, 1), (result.BytesReceived, result.Handles.Count));
            }

            await sending;
        }

        Assert.Equal(1, one.Descriptors);
    }

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("pass.wait")]
    public async Task Disposing_the_socket_ends_the_wait(SocketType type)
    {
        using var pair = new SocketPair(type);
        var receiving = pair.Receiver.ReceiveHandlesAsync(new byte[1], 1).AsTask();
        var waiting = pair.Receiver.ReceiveHandlesAsync(default, 1).AsTask();
        pair.Receiver.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => receiving.WaitAsync(Watchdog.Limit));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting.WaitAsync(Watchdog.Limit));
    }

    [Theory]
    [InlineData(SocketType.Stream)]
    [InlineData(SocketType.Seqpacket)]
    [Rule("pass.end")]
    [Rule("pass.errors")]
    public async Task Reports_that_the_peer_has_closed(SocketType type)
    {
        using var one = new Tracked();
        using (var pair = new SocketPair(type))
        {
            var waiting = pair.Receiver.ReceiveHandlesAsync(new byte[9], 1).AsTask();
            pair.Sender.Dispose();
            foreach (var end in new[] { await waiting.WaitAsync(Watchdog.Limit), await pair.Receiver.ReceiveHandlesAsync(new byte[9], 1) })
            {
                Assert.Equal((0, 0, false, false), (end.BytesReceived, end.Handles.Count, end.HandlesDropped, end.DataTruncated));
            }
        }

        using (var pair = new SocketPair(type))
        {
            // What was sent before comes first.
            await pair.Sender.SendHandlesAsync(new byte[2], [one.Handle]);
            pair.Sender.Dispose();
            using var result = await pair.Receiver.ReceiveHandlesAsync(new byte[9], 1);
            Assert.Equal((2, 1), (result.BytesReceived, result.Handles.Count));
            using var end = await pair.Receiver.ReceiveHandlesAsync(new byte[9], 1);
            Assert.Equal((0, 0), (end.BytesReceived, end.Handles.Count));
        }

        foreach (var isWaiting in new[] { false, true })
        {
            using var pair = new SocketPair(type);
            await pair.Receiver.SendHandlesAsync(new byte[2], [one.Handle]);
            var waiting = isWaiting ? pair.Receiver.ReceiveHandlesAsync(new byte[9], 1).AsTask() : null;
            pair.Sender.Dispose();
            waiting ??= pair.Receiver.ReceiveHandlesAsync(new byte[9], 1).AsTask();
            var failure = await Assert.ThrowsAsync<SharedMemoryException>(() => waiting.WaitAsync(Watchdog.Limit));
            Assert.Equal(Errno.ECONNRESET, failure.Errno);
        }

        Assert.Equal(1, one.Descriptors);
    }

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("pass.others")]
    public async Task Credentials_and_a_pidfd_that_arrive_as_well_take_no_room_and_are_closed(SocketType type)
    {
        const int SOL_SOCKET = 1, SO_PASSCRED = 16, SO_PASSPIDFD = 76;
        using var pair = new SocketPair(type);
        using var one = new Tracked();
        var on = 1;
        Assert.Equal(0, setsockopt(pair.Receiver.SafeHandle, SOL_SOCKET, SO_PASSCRED, ref on, sizeof(int)));
        // Before Linux 6.5 there is none.
        _ = setsockopt(pair.Receiver.SafeHandle, SOL_SOCKET, SO_PASSPIDFD, ref on, sizeof(int));
        var before = PidDescriptors();
        foreach (var count in new[] { 0, 1, 2, Native.MostHandles })
        {
            await pair.Sender.SendHandlesAsync(new byte[1], [.. Enumerable.Repeat(one.Handle, count)]);
            using var result = await pair.Receiver.ReceiveHandlesAsync(new byte[1], count);
            Assert.Equal((1, count, false), (result.BytesReceived, result.Handles.Count, result.HandlesDropped));
            Assert.All(result.Handles, handle => Assert.True(one.IsBehind(handle)));
        }

        Assert.True(PidDescriptors() <= before, "A pidfd stays open.");
        Assert.Equal(1, one.Descriptors);
    }

    [Fact]
    [Rule("pass.take")]
    public async Task Disposing_the_result_closes_what_was_not_taken()
    {
        using var pair = new SocketPair();
        using var one = new Tracked();
        await pair.Sender.SendHandlesAsync(new byte[1], [.. Enumerable.Repeat(one.Handle, Native.MostHandles)]);
        var taken = new List<SafeFileHandle>();
        using (var result = await pair.Receiver.ReceiveHandlesAsync(new byte[1], 253))
        {
            foreach (var index in new[] { 0, 63, 64, 127, 128, Native.MostHandles - 1, 0 })
            {
                taken.Add(result.TakeHandle(index));
                Assert.Same(result.Handles[index], taken[^1]);
            }

            Assert.Throws<ArgumentOutOfRangeException>(() => result.TakeHandle(Native.MostHandles));
            Assert.Throws<ArgumentOutOfRangeException>(() => result.TakeHandle(-1));
            result.Dispose();
            Assert.Equal(7, one.Descriptors);
        }

        Assert.Equal(7, one.Descriptors);
        Assert.All(taken, handle => Assert.True(one.IsBehind(handle)));
        taken.ForEach(handle => handle.Dispose());
        Assert.Equal(1, one.Descriptors);
    }

    [Fact]
    [Rule("pass.take")]
    public async Task Handles_taken_as_memory_or_sockets_belong_to_the_caller_and_refused_ones_do_not()
    {
        using var pair = new SocketPair();
        using var sent = new SocketPair();
        using var one = new Tracked();
        await pair.Sender.SendHandlesAsync(new byte[1], [one.Handle, sent.Sender.SafeHandle, one.Handle]);
        SharedMemoryObject memory;
        Socket socket;
        using (var result = await pair.Receiver.ReceiveHandlesAsync(new byte[1], 3))
        {
            Assert.Throws<ArgumentException>(() => result.TakeObject(1));
            Assert.Throws<ArgumentException>(() => result.TakeSocket(0));
            Assert.Throws<ArgumentOutOfRangeException>(() => result.TakeObject(3));
            Assert.Throws<ArgumentOutOfRangeException>(() => result.TakeSocket(-1));
            memory = result.TakeObject(0);
            socket = result.TakeSocket(1);
            Assert.Equal(3, one.Descriptors);
        }

        Assert.Equal(2, one.Descriptors);
#pragma warning disable RS0030 // What is taken must not hang on a handle that is collected.
        GC.Collect();
#pragma warning restore RS0030
        GC.WaitForPendingFinalizers();
        using (memory)
        using (socket)
        {
            Assert.Equal(100, memory.Length);
            Assert.Equal(1, socket.Send([7]));
            Assert.Equal(1, sent.Receiver.Receive(new byte[1]));
        }

        Assert.Equal(1, one.Descriptors);
    }

    [Fact]
    [Rule("pass.wait")]
    public async Task From_a_bound_datagram_socket_that_is_not_connected()
    {
        using var directory = TemporaryDirectory.InMemory();
        var path = directory.File("socket");
        using var receiver = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        receiver.Bind(new UnixDomainSocketEndPoint(path));
        using var sender = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        await sender.ConnectAsync(new UnixDomainSocketEndPoint(path));
        using var one = new Tracked();
        var receiving = receiver.ReceiveHandlesAsync(new byte[9], 1).AsTask();
        Assert.False(receiving.IsCompleted);
        await sender.SendHandlesAsync(new byte[3], [one.Handle]);
        using var result = await receiving.WaitAsync(Watchdog.Limit);
        Assert.Equal((3, 1), (result.BytesReceived, result.Handles.Count));
        var failure = Assert.Throws<SharedMemoryException>(() => sender.GetPeerCredentials());
        Assert.Equal(Errno.ENOTCONN, failure.Errno);
    }

    private static int PidDescriptors() => Held.Descriptors("pidfd").Count;

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(SafeHandle socket, int level, int option, ref int value, uint length);
}
