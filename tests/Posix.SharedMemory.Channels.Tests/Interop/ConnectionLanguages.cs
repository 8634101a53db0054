using System.Net.Sockets;
using System.Text;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels.Tests.Interop;

/// <summary>C (glibc and musl) and Python as the clients of a listener, through psm_connection.h and psm_connection.py.</summary>
public sealed class ConnectionLanguages
{
    [SkippableTheory]
    [InlineData("cc", 8)]
    [InlineData("cc", 64)]
    [InlineData("musl-gcc", 8)]
    [InlineData("python", 8)]
    [InlineData("python", 32)]
    [Rule("connection.languages")]
    public async Task Another_language_connects_and_exchanges_messages_and_takes_objects(string language, int alignment)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var listener = new MessageListener(directory.File("sock"), new() { Capacity = 4096, RecordAlignment = alignment });
        using var peer = Start(language, directory);
        using var connection = await listener.AcceptAsync().AsTask().WaitAsync(Watchdog.Limit);
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal(language == "python" ? "python" : "C", connection.GetStatus().Endpoints[2].Label);
        var count = language == "python" ? 300 : 3000;
        var objects = 0;
        for (var number = 0; number < count; number++)
        {
            string expected;
            if (number % 100 == 7)
            {
                using var memory = SharedMemoryObject.CreateAnonymous(4096 + number);
                using (var bytes = memory.Map())
                {
                    bytes.GetSpan()[^1] = (byte)number;
                }

                memory.AddSeals(MemorySeals.Shrink);
                await connection.SendObjectAsync(memory);
                expected = $"object {++objects} {4096 + number} {(byte)number}";
            }
            else
            {
                expected = new string((char)('a' + (number % 26)), number * 7919 % 1900);
                await connection.Output.WriteAsync(Encoding.UTF8.GetBytes(expected), (ushort)(number % 1000));
            }

            Assert.True(connection.Input.WaitToRead(Watchdog.Limit));
            Assert.True(connection.Input.TryRead(out MessageLease lease));
            using (lease)
            {
                Assert.Equal(expected, Encoding.UTF8.GetString(lease.Span));
                Assert.Equal(number % 100 == 7 ? 0x7F00 : number % 1000, lease.Type);
            }
        }

        connection.Output.Complete();
        Assert.Equal("ended 0", peer.ReadLine());
        Assert.False(connection.Input.WaitToRead(Watchdog.Limit));
        Assert.Equal("closed", peer.ReadLine());
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("musl-gcc")]
    [InlineData("python")]
    [Rule("connection.languages")]
    public async Task Objects_of_another_language_arrive_in_their_places_with_their_seals(string language)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var listener = new MessageListener(directory.File("sock"), new() { Capacity = 4096 });
        using var peer = Start(language, directory, "objects");
        using var connection = await listener.AcceptAsync().AsTask().WaitAsync(Watchdog.Limit);
        Assert.Equal("open", peer.ReadLine());
        for (var number = 1; number <= 3; number++)
        {
            Assert.Equal((number, "before"), Read(connection.Input));
            Assert.Equal(MessageConnection.ObjectMessageType, Read(connection.Input).Type);
            var receiving = connection.ReceiveObjectAsync(MemorySeals.Shrink).AsTask().WaitAsync(Watchdog.Limit);
            if (number == 2)
            {
                await Assert.ThrowsAsync<InvalidDataException>(() => receiving);
                continue;
            }

            using var memory = await receiving;
            using var bytes = memory.Map();
            Assert.Equal((4096 + number, true, (byte)number), (memory.Length, memory.Seals.HasFlag(MemorySeals.Shrink), bytes.GetReadOnlySpan()[^1]));
        }

        Assert.False(connection.Input.WaitToRead(Watchdog.Limit));
        connection.Output.Complete();
        Assert.Equal("sent 0", peer.ReadLine());

        static (int Type, string Text) Read(MessageReader input)
        {
            Assert.True(input.WaitToRead(Watchdog.Limit));
            Assert.True(input.TryRead(out MessageLease lease));
            using (lease)
            {
                return (lease.Type, Encoding.UTF8.GetString(lease.Span[..(lease.Type == MessageConnection.ObjectMessageType ? 0 : lease.Span.Length)]));
            }
        }
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("python")]
    [Rule("connection.languages")]
    [Rule("connection.end")]
    public async Task A_client_of_another_language_that_is_killed_has_died_and_sees_that_this_side_has_left(string language)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var listener = new MessageListener(directory.File("sock"), new() { Capacity = 4096 });
        using (var peer = Start(language, directory))
        {
            using var connection = await listener.AcceptAsync().AsTask().WaitAsync(Watchdog.Limit);
            Assert.Equal("open", peer.ReadLine());
            var waiting = connection.Input.WaitToReadAsync().AsTask();
            peer.Kill();
            await Assert.ThrowsAsync<PeerDiedException>(() => waiting.WaitAsync(Watchdog.Limit));
        }

        using (var peer = Start(language, directory))
        {
            using (await listener.AcceptAsync().AsTask().WaitAsync(Watchdog.Limit))
            {
                Assert.Equal("open", peer.ReadLine());
            }

            var (_, output, errors) = peer.Finish();
            Assert.Contains(language == "python" ? "PeerLeft" : "ended -107", output + errors, StringComparison.Ordinal);
            // Each wait says so: no other peer can come.
            Assert.Contains(language == "python" ? "again PeerLeft" : "again -107", output, StringComparison.Ordinal);
        }
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("python")]
    [Rule("connection.languages")]
    public async Task A_client_of_another_language_waits_no_longer_than_it_was_to_for_a_peer_that_rings_without_a_pause(string language)
    {
        using var directory = TemporaryDirectory.InMemory();
        using var listener = Listen(directory);
        using var peer = Start(language, directory, "brief");
        using var socket = await listener.AcceptAsync().WaitAsync(Watchdog.Limit);
        var ringing = Task.Factory.StartNew(
            () =>
            {
                try
                {
                    while (true)
                    {
                        socket.Send([1]);
                    }
                }
                catch (SocketException)
                {
                    // The client has given up.
                }
            },
            TaskCreationOptions.LongRunning);
        var (_, output, errors) = peer.Finish();
        Assert.Contains(language == "python" ? "TimeoutError" : "connect -110", output + errors, StringComparison.Ordinal);
        await ringing.WaitAsync(Watchdog.Limit);
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("python")]
    [Rule("connection.languages")]
    public async Task A_client_of_another_language_refuses_huge_pages_which_can_be_discarded_although_they_are_sealed(string language)
    {
        using var pool = HugePagePool.TryAdd(1, out var obstacle);
        Skip.If(pool is null, obstacle);
        using var directory = TemporaryDirectory.InMemory();
        using var listener = Listen(directory);
        using var huge = SharedMemoryObject.CreateAnonymous(2 << 20, new() { HugePages = HugePageSize.Size2MiB });
        huge.AddSeals(MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Seal);
        using var peer = Start(language, directory);
        using var socket = await listener.AcceptAsync().WaitAsync(Watchdog.Limit);
        await socket.SendObjectAsync(huge);
        var (_, output, errors) = peer.Finish();
        Assert.Contains(language == "python" ? "the connection is of huge pages" : "connect -84", output + errors, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("python")]
    [Rule("connection.languages")]
    [Rule("connection.doorbell")]
    public async Task Another_language_rings_a_peer_that_sleeps_on_the_socket(string language)
    {
        using var directory = TemporaryDirectory.InMemory();
        using var pair = new SocketPair();
        using var connection = await MessageConnection.AcceptAsync(pair.Sender, new() { Capacity = 4096 });
        using var memory = await pair.Receiver.ReceiveObjectAsync(MemorySeals.Shrink);
        using var bytes = memory.Map();
        using var roster = Roster.Join(bytes, 4096, bytes.GetReference<ushort>(36));
        using var listener = Listen(directory);
        using var peer = Start(language, directory);
        using var socket = await listener.AcceptAsync().WaitAsync(Watchdog.Limit);
        await socket.SendObjectAsync(memory);
        Assert.Equal("open", peer.ReadLine());
        // The creator's reader, as it were, sleeps on the socket of the test.
        bytes.GetReference<uint>(((4096 + Roster.SizeFor(12) + 127) / 128 * 128) + (3 * 128) + 28) = 1;
        SharedEventCount.At(roster, bytes, 1024 + 512).PrepareWait();
        connection.Output.Write("one"u8);
        var bell = new byte[10];
        socket.ReceiveTimeout = (int)Watchdog.Limit.TotalMilliseconds;
        Assert.Equal((1, 1), (socket.Receive(bell), bell[0]));
        connection.Output.Complete();
        Assert.Equal("ended 0", peer.ReadLine());
    }

    private static Socket Listen(TemporaryDirectory directory)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(directory.File("sock")));
        listener.Listen();
        return listener;
    }

    private static Peer Start(string language, TemporaryDirectory directory, string role = "echo") =>
        Languages.StartAt(language, directory, "connection_partner", directory.File("sock"), 0, role, 0, 0);
}
