using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tests.Passing;

public sealed class Sending
{
    public static TheoryData<SocketType> Types => [SocketType.Stream, SocketType.Seqpacket, SocketType.Dgram];

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("pass.same")]
    [Rule("pass.ready")]
    [Rule("pass.cloexec")]
    public async Task Duplicates_arrive_in_the_order_of_sending_and_are_usable_at_once(SocketType type)
    {
        using var pair = new SocketPair(type);
        using var one = new Tracked(1);
        using var two = new Tracked(2);
        var (reader, writer) = Native.Pipe();
        using (reader)
        using (writer)
        {
            var sending = pair.Sender.SendHandlesAsync(Pattern.Of(5), [one.Handle, writer, two.Handle, one.Handle]);
            Assert.True(sending.IsCompletedSuccessfully);
            await sending;
            var buffer = new byte[9];
            var receiving = pair.Receiver.ReceiveHandlesAsync(buffer, 4);
            Assert.True(receiving.IsCompletedSuccessfully);
            using var result = await receiving;
            Assert.Equal((5, 4, false, false), (result.BytesReceived, result.Handles.Count, result.HandlesDropped, result.DataTruncated));
            Assert.Equal(Pattern.Of(5), buffer[..5]);
            Assert.True(one.IsBehind(result.Handles[0]) && two.IsBehind(result.Handles[2]) && one.IsBehind(result.Handles[3]));
            Assert.All(result.Handles, handle => Assert.Equal(Native.FD_CLOEXEC, Native.Flags(handle, Native.F_GETFD)));
            using var stream = new FileStream(result.TakeHandle(1), FileAccess.Write, bufferSize: 0);
            stream.WriteByte(7);
            var read = new byte[2];
            Assert.Equal(1, Native.Read(reader, read));
            Assert.Equal(7, read[0]);
            Assert.Equal(3, one.Descriptors);
            Assert.True(pair.Sender.Blocking && pair.Receiver.Blocking);
            Assert.Equal(0, Native.Flags(pair.Sender.SafeHandle, Native.F_GETFL) & Native.O_NONBLOCK);
            Assert.Equal(0, Native.Flags(pair.Receiver.SafeHandle, Native.F_GETFL) & Native.O_NONBLOCK);
        }
    }

    [Fact]
    [Rule("pass.first")]
    public async Task On_a_stream_handles_arrive_with_the_first_byte_that_they_were_sent_with()
    {
        using var pair = new SocketPair();
        using var one = new Tracked();
        using var two = new Tracked();
        await pair.Sender.SendHandlesAsync(new byte[] { 1, 2, 3 }, []);
        await pair.Sender.SendHandlesAsync(new byte[] { 4, 5, 6 }, [one.Handle]);
        await pair.Sender.SendHandlesAsync(new byte[] { 7, 8, 9 }, [two.Handle]);
        var buffer = new byte[100];
        var bytes = new List<byte>();
        var places = new List<int>();
        while (bytes.Count < 9)
        {
            using var result = await pair.Receiver.ReceiveHandlesAsync(buffer, 5);
            places.AddRange(result.Handles.Select(_ => bytes.Count));
            bytes.AddRange(buffer[..result.BytesReceived]);
        }

        // The kernel may end a read before or behind the bytes that had no handles; never behind the second handle's first byte.
        Assert.Equal(Enumerable.Range(1, 9).Select(number => (byte)number), bytes);
        Assert.Equal(2, places.Count);
        Assert.InRange(places[0], 0, 3);
        Assert.Equal(6, places[1]);
    }

    [Fact]
    [Rule("pass.first")]
    public async Task On_a_stream_handles_without_a_byte_are_refused()
    {
        using var pair = new SocketPair();
        using var one = new Tracked();
        await Assert.ThrowsAsync<ArgumentException>(async () => await pair.Sender.SendHandlesAsync(default, [one.Handle]));
        await pair.Sender.SendHandlesAsync(default, []);
        Assert.Equal(0, pair.Receiver.Available);
        Assert.Equal(1, one.Descriptors);
    }

    [Theory]
    [InlineData(SocketType.Seqpacket)]
    [InlineData(SocketType.Dgram)]
    [Rule("pass.message")]
    public async Task Messages_stay_apart_and_may_be_without_bytes(SocketType type)
    {
        using var pair = new SocketPair(type);
        using var one = new Tracked();
        await pair.Sender.SendHandlesAsync(default, [one.Handle]);
        await pair.Sender.SendHandlesAsync(Pattern.Of(2), []);
        await pair.Sender.SendHandlesAsync(default, []);
        await pair.Sender.SendHandlesAsync(Pattern.Of(3), [one.Handle, one.Handle]);
        foreach (var (bytes, handles) in new[] { (0, 1), (2, 0), (0, 0), (3, 2) })
        {
            using var result = await pair.Receiver.ReceiveHandlesAsync(new byte[100], 9);
            Assert.Equal((bytes, handles, false, false), (result.BytesReceived, result.Handles.Count, result.HandlesDropped, result.DataTruncated));
        }

        Assert.Equal(1, one.Descriptors);
    }

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("pass.limit")]
    public async Task Sends_as_many_handles_as_one_message_carries_and_refuses_254_before_it_sends_anything(SocketType type)
    {
        using var pair = new SocketPair(type);
        using var one = new Tracked();
        SafeHandle[] most = [.. Enumerable.Repeat(one.Handle, Native.MostHandles)];
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await pair.Sender.SendHandlesAsync(new byte[1], [.. Enumerable.Repeat(one.Handle, 254)]));
        Assert.Equal(0, pair.Receiver.Available);
        foreach (var count in new[] { most.Length, 252, 1 })
        {
            await pair.Sender.SendHandlesAsync(new byte[1], most[..count]);
            using var result = await pair.Receiver.ReceiveHandlesAsync(new byte[1], 253);
            Assert.Equal((1, count, false), (result.BytesReceived, result.Handles.Count, result.HandlesDropped));
            Assert.All(result.Handles, handle => Assert.True(one.IsBehind(handle)));
        }

        Assert.Equal(1, one.Descriptors);
    }

    [Fact]
    [Rule("pass.misuse")]
    public async Task Misuse_throws_before_anything_is_sent()
    {
        using var pair = new SocketPair();
        using var one = new Tracked();
        var closed = new SafeFileHandle(one.Handle.DangerousGetHandle(), ownsHandle: false);
        closed.Dispose();
        using var invalid = new SafeFileHandle(-1, ownsHandle: true);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await pair.Sender.SendHandlesAsync(new byte[1], [one.Handle, closed]));
        await Assert.ThrowsAsync<ArgumentException>(async () => await pair.Sender.SendHandlesAsync(new byte[1], [one.Handle, invalid]));
        await Assert.ThrowsAsync<ArgumentException>(async () => await pair.Sender.SendHandlesAsync(new byte[1], [one.Handle, null!]));
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await pair.Sender.SendHandlesAsync(new byte[1], null!));
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await DescriptorPassing.SendHandlesAsync(null!, new byte[1], []));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await pair.Receiver.ReceiveHandlesAsync(new byte[1], -1));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await pair.Receiver.ReceiveHandlesAsync(new byte[1], 254));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await pair.Sender.SendHandlesAsync(new byte[1], [], new CancellationToken(canceled: true)));
        using var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await Assert.ThrowsAsync<ArgumentException>(async () => await udp.SendHandlesAsync(new byte[1], [one.Handle]));
        await Assert.ThrowsAsync<ArgumentException>(async () => await udp.ReceiveHandlesAsync(new byte[1], 1));
        Assert.Throws<ArgumentException>(() => udp.GetPeerCredentials());
        Assert.Equal(0, pair.Receiver.Available);

        // None of them kept a hold: the handle closes when it is told to.
        one.Dispose();
        Assert.Equal(0, one.Descriptors);
        pair.Sender.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await pair.Sender.SendHandlesAsync(new byte[1], []));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await pair.Sender.ReceiveHandlesAsync(new byte[1], 1));
    }

    [Theory]
    [InlineData(SocketType.Seqpacket)]
    [InlineData(SocketType.Dgram)]
    [Rule("pass.errors")]
    public async Task A_message_longer_than_the_send_buffer_is_EMSGSIZE_and_nothing_is_sent(SocketType type)
    {
        using var pair = new SocketPair(type);
        using var one = new Tracked();
        pair.Sender.SendBufferSize = 8000;
        var failure = await Assert.ThrowsAsync<SharedMemoryException>(async () => await pair.Sender.SendHandlesAsync(new byte[100_000], [one.Handle]));
        Assert.Equal(Errno.EMSGSIZE, failure.Errno);
        Assert.Contains("100000 bytes", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, pair.Receiver.Available);
    }

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("pass.errors")]
    public async Task A_peer_that_is_gone_is_an_error(SocketType type)
    {
        using var pair = new SocketPair(type);
        using var one = new Tracked();
        pair.Receiver.Dispose();
        SharedMemoryException? failure = null;
        while (failure is null)
        {
            // A child that another test starts has the receiver too, until it executes its program.
            failure = (SharedMemoryException?)await Record.ExceptionAsync(async () => await pair.Sender.SendHandlesAsync(new byte[1], [one.Handle]));
        }

        Assert.Contains(failure.Errno, new[] { Errno.EPIPE, Errno.ECONNREFUSED });
        Assert.Contains("no process receives at the other end", failure.Message, StringComparison.Ordinal);
        using var alone = new Socket(AddressFamily.Unix, type, ProtocolType.Unspecified);
        failure = await Assert.ThrowsAsync<SharedMemoryException>(async () => await alone.SendHandlesAsync(new byte[1], [one.Handle]));
        Assert.Equal(Errno.ENOTCONN, failure.Errno);
    }

    [Fact]
    [Rule("pass.errors")]
    public async Task The_error_says_what_the_kernel_has_no_room_for()
    {
        using var pair = new SocketPair();
        using var one = new Tracked();
        foreach (var errno in new[] { Errno.ETOOMANYREFS, Errno.ENOBUFS, Errno.ENOMEM })
        {
            ValueTask sending;
            using (Platform.Substitute(new ScriptedPlatform("sendmsg", errno)))
            {
                sending = pair.Sender.SendHandlesAsync(new byte[1], [one.Handle]);
            }

            var failure = await Assert.ThrowsAsync<SharedMemoryException>(async () => await sending);
            Assert.Equal((errno, "sendmsg"), (failure.Errno, failure.Operation));
            Assert.True(errno != Errno.ETOOMANYREFS || failure.Message.Contains("sent and not yet received", StringComparison.Ordinal));
        }
    }

    [Fact]
    [Rule("pass.ready")]
    public async Task Passing_without_waiting_allocates_only_the_result_and_the_handle_or_the_handle_alone()
    {
        using var pair = new SocketPair();
        using var one = new Tracked();
        SafeHandle[] handles = [one.Handle];
        var buffer = new byte[16];
        var places = new SafeFileHandle?[1];
        var (least, leastIntoPlaces, allocating) = (long.MaxValue, long.MaxValue, 0);
        for (var round = 0; round < 200; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var sending = pair.Sender.SendHandlesAsync(buffer, handles);
            var sent = GC.GetAllocatedBytesForCurrentThread();
            var receiving = pair.Receiver.ReceiveHandlesAsync(buffer, 1);
            var received = GC.GetAllocatedBytesForCurrentThread();
            Assert.True(sending.IsCompletedSuccessfully && receiving.IsCompletedSuccessfully);
            await sending;
            (await receiving).Dispose();
            // The collector may empty the pools that both borrow from, as others' tests have it run.
            allocating += round >= 100 && sent > before ? 1 : 0;
            least = Math.Min(least, received - sent);
            await pair.Sender.SendHandlesAsync(buffer, handles);
            var awaiting = GC.GetAllocatedBytesForCurrentThread();
            var filling = pair.Receiver.ReceiveHandlesAsync(buffer, places);
            leastIntoPlaces = Math.Min(leastIntoPlaces, GC.GetAllocatedBytesForCurrentThread() - awaiting);
            Assert.True(filling.IsCompletedSuccessfully);
            Assert.Equal(new(16, 1, HandlesDropped: false, DataTruncated: false), await filling);
            places[0]!.Dispose();
        }

        var handleAlone = GC.GetAllocatedBytesForCurrentThread();
        using (var handle = new SafeFileHandle(-1, ownsHandle: false))
        {
            handleAlone = GC.GetAllocatedBytesForCurrentThread() - handleAlone;
        }

        Assert.InRange(allocating, 0, 5);
        Assert.Equal(handleAlone, leastIntoPlaces);
        Assert.InRange(least, handleAlone, handleAlone + 64);
    }
}
