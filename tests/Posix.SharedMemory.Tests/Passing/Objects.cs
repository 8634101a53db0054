using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Tests.Passing;

/// <summary>Whole objects, with what the receiver needs to trust them.</summary>
public sealed class Objects
{
    private const MemorySeals Frozen = MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Write;

    public static TheoryData<SocketType> Types => Sending.Types;

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("object.layout")]
    [Rule("object.kernel")]
    public async Task Arrive_with_their_length_seals_and_access(SocketType type)
    {
        using var pair = new SocketPair(type);
        using var one = new Tracked(70_001);
        one.Memory.Write(Pattern.Of(70_001), 0);
        one.Memory.AddSeals(Frozen | MemorySeals.Seal);
        using var name = new TemporaryName();
        using var named = SharedMemoryObject.Create(name, 7);
        using var readOnly = SharedMemoryObject.Open(name, access: FileAccess.Read);
        using var empty = SharedMemoryObject.CreateAnonymous();
        foreach (var (sent, required, access) in new[]
            { (one.Memory, Frozen, FileAccess.ReadWrite), (one.Memory, MemorySeals.None, FileAccess.ReadWrite), (readOnly, MemorySeals.Seal, FileAccess.Read), (empty, MemorySeals.None, FileAccess.ReadWrite) })
        {
            await pair.Sender.SendObjectAsync(sent);
            using var received = await pair.Receiver.ReceiveObjectAsync(required);
            Assert.Equal((sent.Length, sent.Seals, access), (received.Length, received.Seals, received.Access));
            Assert.Equal(sent.GetStatus().Identity, received.GetStatus().Identity);
            Assert.Null(received.Name);
            Assert.Equal(Native.FD_CLOEXEC, Native.Flags(received.SafeFileHandle, Native.F_GETFD));
            var bytes = new byte[sent.Length];
            Assert.Equal(bytes.Length, received.Read(bytes, 0));
            Assert.True(sent != one.Memory || bytes.AsSpan().SequenceEqual(Pattern.Of(70_001)));
        }

        Assert.Equal(1, one.Descriptors);
    }

    [Fact]
    [Rule("seals.stable")]
    public async Task Map_stably_by_default_if_the_receiver_required_the_seals()
    {
        using var pair = new SocketPair();
        using var one = new Tracked();
        one.Memory.AddSeals(MemorySeals.Shrink);
        await pair.Sender.SendObjectAsync(one.Memory);
        MemoryMapping mapping;
        using (var received = await pair.Receiver.ReceiveObjectAsync(MemorySeals.Shrink))
        {
            mapping = received.Map();
        }

        // Nobody could ask any more.
        using (mapping)
        {
            Assert.True(mapping.IsStable);
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("object.layout")]
    public async Task Are_messages_of_sixteen_bytes(SocketType type)
    {
        using var pair = new SocketPair(type);
        using var one = new Tracked(0x12345);
        await pair.Sender.SendObjectAsync(one.Memory);
        var bytes = new byte[100];
        using var result = await pair.Receiver.ReceiveHandlesAsync(bytes, 9);
        Assert.Equal((16, 1, false, false), (result.BytesReceived, result.Handles.Count, result.HandlesDropped, result.DataTruncated));
        Assert.Equal("53484D4F424A00014523010000000000", Convert.ToHexString(bytes[..16]));
        Assert.True(one.IsBehind(result.Handles[0]));
    }

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("object.split")]
    [Rule("pass.wait")]
    public async Task Are_received_one_after_the_other_and_waited_for(SocketType type)
    {
        using var pair = new SocketPair(type);
        using var one = new Tracked();
        using var two = new Tracked();
        var receiving = pair.Receiver.ReceiveObjectAsync().AsTask();
        Assert.False(receiving.IsCompleted);
        await pair.Sender.SendObjectAsync(one.Memory);
        await pair.Sender.SendObjectAsync(two.Memory);
        using var first = await receiving.WaitAsync(Watchdog.Limit);
        using var second = await pair.Receiver.ReceiveObjectAsync();
        Assert.True(one.IsBehind(first.SafeFileHandle) && two.IsBehind(second.SafeFileHandle));

        _ = pair.Fill(16);
        var sending = pair.Sender.SendObjectAsync(one.Memory).AsTask();
        Assert.False(sending.IsCompleted);
        pair.Drain();
        await sending.WaitAsync(Watchdog.Limit);
    }

    [Theory]
    [InlineData(new[] { 1, 15 })]
    [InlineData(new[] { 15, 1 })]
    [InlineData(new[] { 8, 7, 1 })]
    [InlineData(new[] { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 })]
    [Rule("object.split")]
    public async Task Are_collected_from_a_stream_that_brings_them_in_parts(int[] parts)
    {
        using var pair = new SocketPair();
        using var one = new Tracked();
        var message = Message(100);
        for (var round = 0; round < 2; round++)
        {
            var receiving = pair.Receiver.ReceiveObjectAsync().AsTask();
            var done = 0;
            foreach (var part in parts)
            {
                Assert.False(receiving.IsCompleted);
                await pair.Sender.SendHandlesAsync(message.AsMemory(done, part), done == 0 ? [one.Handle] : []);
                done += part;
                Watchdog.Until(() => pair.Receiver.Available == 0 || receiving.IsCompleted, "the part to be taken");
            }

            using var received = await receiving.WaitAsync(Watchdog.Limit);
            Assert.True(one.IsBehind(received.SafeFileHandle));
        }

        Assert.Equal(1, one.Descriptors);
    }

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("object.refused")]
    [Rule("object.kernel")]
    public async Task Are_refused_and_closed_if_they_contradict_the_message_or_the_requirements_of_the_receiver(SocketType type)
    {
        using var pair = new SocketPair(type);
        using var one = new Tracked(100);
        one.Memory.AddSeals(MemorySeals.Shrink);
        var (reader, writer) = Native.Pipe();
        using (reader)
        using (writer)
        using (var disk = TemporaryDirectory.OnDisk())
        using (var directory = Native.Open("/dev/shm", Native.O_RDONLY))
        using (var null0 = Native.Open("/dev/null", Native.O_RDWR))
        {
            var cases = new List<(byte[] Message, SafeHandle[] Handles, MemorySeals Required, string Said)>
            {
                (Message(100), [reader], default, "not memory (but"),
                (Message(100), [pair.Sender.SafeHandle], default, "not memory (but"),
                (Message(0), [directory], default, "not memory (but"),
                (Message(0), [null0], default, "not memory (but"),
                (Message(101), [one.Handle], default, "has 100 bytes, but the message announces 101"),
                (Message(-1), [one.Handle], default, "announces 18446744073709551615"),
                (Message(100), [one.Handle], MemorySeals.Write | MemorySeals.Shrink, "it lacks Write"),
                (Message(100), [one.Handle], MemorySeals.Seal, "it lacks Seal"),
                (Message(100), [], default, "without a descriptor"),
                (Message(100), [one.Handle, one.Handle], default, "more than one descriptor"),
                (new byte[16], [one.Handle], default, "does not begin with"),
                ("SHMOBJ\0\u0002\0\0\0\0\0\0\0\0"u8.ToArray(), [one.Handle], default, "has layout 2"),
            };
            if (type != SocketType.Stream)
            {
                cases.Add((Message(100)[..15], [one.Handle], default, "it has 15 bytes"));
                cases.Add(([.. Message(100), 0], [one.Handle], default, "more than 16 bytes"));
                cases.Add(([], [one.Handle], default, "it has 0 bytes"));
            }

            if (disk is not null)
            {
                File.WriteAllBytes(disk.File(), new byte[100]);
                var file = Native.Open(disk.File(), Native.O_RDWR);
                cases.Add((Message(100), [file], default, "not memory (but"));
            }

            foreach (var (message, handles, required, said) in cases)
            {
                await pair.Sender.SendHandlesAsync(message, handles);
                var refusal = await Assert.ThrowsAsync<InvalidDataException>(async () => await pair.Receiver.ReceiveObjectAsync(required));
                Assert.Contains(said, refusal.Message, StringComparison.Ordinal);
                Assert.Equal(1, one.Descriptors);

                // The next one is received.
                await pair.Sender.SendObjectAsync(one.Memory);
                using var received = await pair.Receiver.ReceiveObjectAsync(MemorySeals.Shrink);
                Assert.Equal(100, received.Length);
            }
        }
    }

    [Fact]
    [Rule("object.refused")]
    public async Task Are_refused_when_a_later_part_brings_another_descriptor()
    {
        using var pair = new SocketPair();
        using var one = new Tracked();
        foreach (var first in new[] { 0, 1 })
        {
            var receiving = pair.Receiver.ReceiveObjectAsync().AsTask();
            await pair.Sender.SendHandlesAsync(Message(100).AsMemory(0, 9), [.. Enumerable.Repeat(one.Handle, first)]);
            Watchdog.Until(() => pair.Receiver.Available == 0, "the part to be taken");
            await pair.Sender.SendHandlesAsync(Message(100).AsMemory(9), [one.Handle]);
            await Assert.ThrowsAsync<InvalidDataException>(() => receiving.WaitAsync(Watchdog.Limit));
            Assert.Equal(1, one.Descriptors);
            await pair.Sender.SendObjectAsync(one.Memory);
            using var received = await pair.Receiver.ReceiveObjectAsync();
        }
    }

    [Theory]
    [InlineData(SocketType.Stream)]
    [InlineData(SocketType.Seqpacket)]
    [Rule("object.end")]
    public async Task End_with_the_peer(SocketType type)
    {
        using var one = new Tracked();
        using (var pair = new SocketPair(type))
        {
            var receiving = pair.Receiver.ReceiveObjectAsync().AsTask();
            pair.Sender.Dispose();
            await Assert.ThrowsAsync<EndOfStreamException>(() => receiving.WaitAsync(Watchdog.Limit));
        }

        if (type == SocketType.Stream)
        {
            using var pair = new SocketPair(type);
            await pair.Sender.SendHandlesAsync(Message(100).AsMemory(0, 15), [one.Handle]);
            pair.Sender.Dispose();
            var end = await Assert.ThrowsAsync<EndOfStreamException>(() => pair.Receiver.ReceiveObjectAsync().AsTask().WaitAsync(Watchdog.Limit));
            Assert.Contains("after 15 bytes", end.Message, StringComparison.Ordinal);
            Assert.Equal(1, one.Descriptors);
        }
    }

    [Fact]
    [Rule("object.end")]
    public async Task A_message_without_bytes_is_refused_and_is_not_the_end()
    {
        using var pair = new SocketPair(SocketType.Seqpacket);
        using var one = new Tracked();
        await pair.Sender.SendHandlesAsync(ReadOnlyMemory<byte>.Empty, []);
        await Assert.ThrowsAsync<InvalidDataException>(async () => await pair.Receiver.ReceiveObjectAsync());
        await pair.Sender.SendHandlesAsync(ReadOnlyMemory<byte>.Empty, []);
        await pair.Sender.SendObjectAsync(one.Memory);
        await Assert.ThrowsAsync<InvalidDataException>(async () => await pair.Receiver.ReceiveObjectAsync());
        using var received = await pair.Receiver.ReceiveObjectAsync();
        pair.Sender.Shutdown(SocketShutdown.Send);
        await Assert.ThrowsAsync<EndOfStreamException>(async () => await pair.Receiver.ReceiveObjectAsync());
    }

    [Fact]
    [Rule("object.kernel")]
    public async Task The_seal_Write_satisfies_a_receiver_that_requires_FutureWrite()
    {
        using var pair = new SocketPair();
        using var one = new Tracked();
        one.Memory.AddSeals(MemorySeals.Write);
        await pair.Sender.SendObjectAsync(one.Memory);
        using var received = await pair.Receiver.ReceiveObjectAsync(MemorySeals.FutureWrite);
        Assert.False(received.Seals.HasFlag(MemorySeals.FutureWrite));
    }

    [Fact]
    [Rule("pass.misuse")]
    public async Task Misuse_throws()
    {
        using var pair = new SocketPair();
        using var one = new Tracked();
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await pair.Sender.SendObjectAsync(null!));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await pair.Receiver.ReceiveObjectAsync((MemorySeals)0x100));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await pair.Sender.SendObjectAsync(one.Memory, new CancellationToken(canceled: true)));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await pair.Sender.ReceiveObjectAsync(default, new CancellationToken(canceled: true)));
        one.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await pair.Sender.SendObjectAsync(one.Memory));
    }

    internal static byte[] Message(long length)
    {
        byte[] message = [.. "SHMOBJ\0\u0001"u8, .. new byte[8]];
        BinaryPrimitives.WriteInt64LittleEndian(message.AsSpan(8), length);
        return message;
    }
}
