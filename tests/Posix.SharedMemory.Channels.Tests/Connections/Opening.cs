using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Connections;

/// <summary>The ways to a connection, and what they refuse.</summary>
public sealed class Opening
{
    [Fact]
    [Rule("connection.surface")]
    public async Task The_names_and_defaults_are_those_of_the_API()
    {
        using var directory = TemporaryDirectory.InMemory();
        MessageConnectionOptions options = new();
        Assert.Equal((1L << 20, 8, 0UL, ""), (options.Capacity, options.RecordAlignment, options.SchemaId, options.ContentType));
        (MessageConnection mine, Socket theirs) = MessageConnection.CreatePair(o: options);
        using MessageConnection child = await MessageConnection.ReceiveAsync(connected: theirs, ct: default);
        MessageWriter output = mine.Output;
        MessageReader input = child.Input;
        PeerCredentials peer = mine.Peer;
        Assert.Equal((Environment.ProcessId, 1L << 20), (peer.ProcessId, output.Capacity));
        await using MessageListener listener = new(directory.File("sock"), o: options, mode: UnixFileMode.UserRead | UnixFileMode.UserWrite);
        ValueTask<MessageConnection> connecting = MessageConnection.ConnectAsync(path: directory.File("sock"), ct: default);
        await using MessageConnection server = await listener.AcceptAsync(ct: default);
        await using MessageConnection client = await connecting;
        using var memory = SharedMemoryObject.CreateAnonymous(4096);
        await client.SendObjectAsync(o: memory, ct: default);
        using SharedMemoryObject got = await server.ReceiveObjectAsync(MemorySeals.None, CancellationToken.None);
        Assert.Equal(4096, got.Length);
        Assert.Equal(PeerState.Alive, input.Writer);
        mine.Dispose();
        mine.Dispose();
        Assert.Throws<ObjectDisposedException>(() => mine.GetStatus());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => mine.ReceiveObjectAsync().AsTask());
    }

    [Fact]
    [Rule("connection.open")]
    [Rule("connection.peer")]
    [Rule("connection.status")]
    public async Task Each_side_reads_the_messages_that_the_other_writes()
    {
        using var both = await Both.OpenAsync(new() { Capacity = 8192, RecordAlignment = 64, SchemaId = 9, ContentType = "text", Endpoint = new() { Label = "creator" } });
        Assert.Equal(0, both.Creator.Output.Capacity - 8192);
        both.Creator.Output.Write("one"u8, 5);
        both.Receiver.Output.Write("two"u8, 6);
        both.Receiver.Output.Write("three"u8);
        Assert.Equal(("one", (ushort)5), Read(both.Receiver));
        Assert.Equal(("two", (ushort)6), Read(both.Creator));
        var status = both.Creator.GetStatus();
        Assert.Equal((ChannelKind.Connection, 16384L, 3L, 11L, 128L, 9UL, "text"), (status.Kind, status.Capacity, status.Messages, status.Bytes, status.Used, status.SchemaId, status.ContentType));
        Assert.Equal([EndpointRole.Writer, EndpointRole.Reader, EndpointRole.Writer, EndpointRole.Reader], status.Endpoints.Select(endpoint => endpoint.Role));
        Assert.All(status.Endpoints, endpoint => Assert.Equal(PeerState.Alive, endpoint.State));
        Assert.Equal(["creator", "", "", "creator"], status.Endpoints.Select(endpoint => endpoint.Label));
        Assert.Equal(Environment.ProcessId, both.Creator.Peer.ProcessId);
        Assert.Equal(ChannelKind.Connection, ChannelStatus.TryRead(both.Creator.Memory)!.Kind);
        Assert.Throws<InvalidDataException>(() => MessageTap.On(both.Creator.Memory));
        Assert.Throws<InvalidDataException>(() => MessageChannel.FromObject(both.Creator.Memory));
    }

    [Fact]
    [Rule("connection.open")]
    [Rule("connection.child")]
    public void A_child_receives_the_connection_over_the_socket_that_it_inherits()
    {
        var (mine, theirs) = MessageConnection.CreatePair(new() { Capacity = 4096 });
        using (mine)
        {
            // Before the child is there.
            mine.Output.Write("early"u8);
            System.Diagnostics.ProcessStartInfo start = new(Partner.Program, ["connection", "receive", ((int)theirs.SafeHandle.DangerousGetHandle()).ToString(CultureInfo.InvariantCulture)])
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            };
            start.Environment["DOTNET_EnableDiagnostics"] = "0";
            using var child = HandleInheritance.Start(start, theirs.SafeHandle);
            theirs.Dispose();
            Assert.Equal("open", child.StandardOutput.ReadLine());
            child.StandardInput.WriteLine("read");
            Assert.Equal("early", child.StandardOutput.ReadLine());
            child.StandardInput.WriteLine("write hello");
            Assert.Equal("True", child.StandardOutput.ReadLine());
            Assert.Equal("hello", Read(mine).Text);
            child.StandardInput.Dispose();
            Assert.Throws<PeerLeftException>(() => mine.Input.WaitToRead(Watchdog.Limit));
            child.WaitForExit();
        }
    }

    [Fact]
    [Rule("connection.open")]
    [Rule("connection.peer")]
    public async Task A_process_connects_to_a_listener_in_another()
    {
        using var directory = TemporaryDirectory.InMemory();
        using var server = Partner.Start("connection", "listen", directory.File("sock"));
        Assert.Equal("listening", server.ReadLine());
        using var client = await MessageConnection.ConnectAsync(directory.File("sock"));
        Assert.Equal("open", server.ReadLine());
        Assert.Equal(server.ProcessId, client.Peer.ProcessId);
        server.Tell("echo 1000");
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < 1000; i++)
            {
                await client.Output.WriteAsync(Encoding.UTF8.GetBytes($"message {i}"));
            }
        });
        for (var i = 0; i < 1000; i++)
        {
            Assert.True(await client.Input.WaitToReadAsync());
            Assert.Equal($"message {i}", Read(client).Text);
        }

        await sending;
        Assert.Equal("echoed", server.ReadLine());
    }

    [Fact]
    [Rule("connection.bad-options")]
    [Rule("connection.socket")]
    public async Task Bad_options_and_sockets_are_refused_before_anything_is_made()
    {
        using var pair = new SocketPair();
        using var datagrams = new SocketPair(SocketType.Dgram);
        await Assert.ThrowsAsync<ArgumentException>(() => MessageConnection.AcceptAsync(datagrams.Sender).AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => MessageConnection.ReceiveAsync(datagrams.Sender).AsTask());
        await Assert.ThrowsAsync<ArgumentNullException>(() => MessageConnection.AcceptAsync(null!).AsTask());
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => MessageConnection.AcceptAsync(pair.Sender, new() { Capacity = 5000 }).AsTask());
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => MessageConnection.AcceptAsync(pair.Sender, new() { RecordAlignment = 7 }).AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => MessageConnection.AcceptAsync(pair.Sender, new() { ContentType = new('x', 49) }).AsTask());
        Assert.Throws<ArgumentException>(() => MessageConnection.CreatePair(new() { Endpoint = new() { Label = new('x', 33) } }));
        await Assert.ThrowsAsync<ArgumentException>(() => MessageConnection.ConnectAsync(new string('x', 109)).AsTask());
        await Assert.ThrowsAsync<OperationCanceledException>(() => MessageConnection.AcceptAsync(pair.Sender, null, new(canceled: true)).AsTask());
        Assert.Throws<ArgumentException>(() => new MessageListener(new string('x', 109)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MessageListener("/tmp/x", mode: (UnixFileMode)(-1)));
        // The socket is the caller's, and as it was.
        Assert.Equal(0, pair.Receiver.Available);
        using var accepted = await MessageConnection.AcceptAsync(pair.Sender);
        using var received = await MessageConnection.ReceiveAsync(pair.Receiver);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => received.ReceiveObjectAsync((MemorySeals)(1 << 20)).AsTask());
        await Assert.ThrowsAsync<ArgumentNullException>(() => received.SendObjectAsync(null!).AsTask());
    }

    [Fact]
    [Rule("connection.refuse")]
    [Rule("connection.socket")]
    public async Task A_receiver_refuses_what_is_not_a_sealed_connection()
    {
        using var pair = new SocketPair();
        using var channel = MessageChannel.CreateAnonymous();
        await RefusedAsync(channel.Memory, "not a connection of kind 2");
        using var page = SharedMemoryObject.CreateAnonymous(4096);
        await RefusedAsync(page, "not sealed as required");
        page.AddSeals(MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Seal);
        await RefusedAsync(page, "first bytes");
        // A header that claims more than there is.
        var (mine, theirs) = MessageConnection.CreatePair(new() { Capacity = 4096 });
        using (mine)
        using (theirs)
        {
            using var bytes = mine.Memory.Map();
            bytes.GetReference<ulong>(48) = 8192;
            await RefusedAsync(mine.Memory, "do not fit");
            bytes.GetReference<ulong>(48) = 4096;
            bytes.GetReference<ushort>(38) = 2;
            await RefusedAsync(mine.Memory, "endpoints");
            bytes.GetReference<ushort>(38) = 4;
            bytes.GetReference<uint>(12) = 1;
            await RefusedAsync(mine.Memory, "features");
            bytes.GetReference<uint>(12) = 0;
            await pair.Sender.SendObjectAsync(mine.Memory);
            using var received = await MessageConnection.ReceiveAsync(pair.Receiver);
            Assert.Equal(PeerState.Alive, received.Input.Writer);
        }

        async Task RefusedAsync(SharedMemoryObject memory, string because)
        {
            await pair.Sender.SendObjectAsync(memory);
            var refusal = await Assert.ThrowsAsync<InvalidDataException>(() => MessageConnection.ReceiveAsync(pair.Receiver).AsTask());
            Assert.Contains(because, refusal.Message, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    [Rule("connection.refuse")]
    public async Task A_receiver_refuses_huge_pages_which_can_be_discarded_although_they_are_sealed()
    {
        using var pool = HugePagePool.TryAdd(2, out var obstacle);
        Skip.If(pool is null, obstacle);
        var (mine, theirs) = MessageConnection.CreatePair(new() { Capacity = 4096 });
        using var pair = new SocketPair();
        using (mine)
        using (theirs)
        using (var huge = SharedMemoryObject.CreateAnonymous(2 << 20, new() { HugePages = HugePageSize.Size2MiB }))
        {
            var header = new byte[4096];
            mine.Memory.Read(header, 0);
            BitConverter.TryWriteBytes(header.AsSpan(16), 2L << 20);
            huge.Write(header, 0);
            huge.AddSeals(MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Seal);
            await pair.Sender.SendObjectAsync(huge);
            var refusal = await Assert.ThrowsAsync<InvalidDataException>(() => MessageConnection.ReceiveAsync(pair.Receiver).AsTask());
            Assert.Contains("huge pages", refusal.Message, StringComparison.Ordinal);
            // What was mapped for the refused connection, the collector unmaps.
            Watchdog.Until(
                () =>
                {
#pragma warning disable RS0030 // The collector gives back what nobody references any more, which is what is looked for.
                    GC.Collect();
#pragma warning restore RS0030
                    GC.WaitForPendingFinalizers();
                    return Held.Mappings(huge).Count == 0;
                },
                "the mapping to end");
            // Nothing was stored: no seat was taken, and no endpoint.
            var after = new byte[8192 - 4096];
            huge.Read(after, 4096);
            Assert.False(after.AsSpan().ContainsAnyExcept((byte)0));
        }
    }

    [Fact]
    [Rule("connection.refuse")]
    public async Task Ends_that_the_peer_has_taken_itself_are_EBUSY_and_leave_nothing()
    {
        using var both = await Both.OpenAsync();
        using var pair = new SocketPair();
        await pair.Sender.SendObjectAsync(both.Creator.Memory);
        var before = Directory.GetFileSystemEntries("/proc/self/fd").Length;
        Assert.Equal(Errno.EBUSY, (await Assert.ThrowsAsync<SharedMemoryException>(() => MessageConnection.ReceiveAsync(pair.Receiver).AsTask())).Errno);
        Assert.InRange(Directory.GetFileSystemEntries("/proc/self/fd").Length, 0, before + 3);
        both.Creator.Output.Write("still"u8);
        Assert.Equal("still", Read(both.Receiver).Text);
    }

    internal static (string Text, ushort Type) Read(MessageConnection connection)
    {
        Assert.True(connection.Input.TryRead(out MessageLease lease));
        using (lease)
        {
            return (Encoding.UTF8.GetString(lease.Span), lease.Type);
        }
    }
}
