using System.Globalization;
using System.Runtime.Versioning;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Connections;

/// <summary>The peer is killed, stopped, closed or never comes.</summary>
public sealed class Ending
{
    [Theory]
    [InlineData("")]
    [InlineData("reserve")]
    [Rule("connection.end")]
    public async Task A_killed_peer_is_reported_after_all_that_it_had_committed(string window)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var listener = new MessageListener(directory.File("sock"), new() { Capacity = 4096 });
        using var peer = Partner.Start("connection", "connect", directory.File("sock"));
        using var connection = await listener.AcceptAsync();
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("True", peer.Ask("write one"));
        Assert.Equal("True", peer.Ask("write two"));
        if (window.Length > 0)
        {
            peer.Ask(window);
        }

        var completion = connection.Input.Completion;
        var objects = connection.ReceiveObjectAsync().AsTask();
        while (connection.Output.TryWrite(new byte[1000]))
        {
        }

        var writing = connection.Output.WriteAsync(new byte[1000]).AsTask();
        peer.Kill();
        await Assert.ThrowsAsync<PeerDiedException>(() => writing.WaitAsync(Watchdog.Limit));
        await Assert.ThrowsAsync<PeerDiedException>(() => objects.WaitAsync(Watchdog.Limit));
        Assert.False(completion.IsCompleted);
        Assert.True(await connection.Input.WaitToReadAsync());
        Assert.Equal("one", Opening.Read(connection).Text);
        Assert.True(connection.Input.WaitToRead(Watchdog.Limit));
        Assert.Equal("two", Opening.Read(connection).Text);
        // Each wait: nobody else comes.
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(EndpointRole.Writer, (await Assert.ThrowsAsync<PeerDiedException>(() => connection.Input.WaitToReadAsync().AsTask())).Peer.Role);
            Assert.Throws<PeerDiedException>(() => connection.Input.WaitToRead(Watchdog.Limit));
            Assert.Throws<PeerDiedException>(() => connection.Output.Write(new byte[1000]));
        }

        await Assert.ThrowsAsync<PeerDiedException>(() => completion.WaitAsync(Watchdog.Limit));
        Assert.Equal((PeerState.Died, PeerState.Died), (connection.Input.Writer, connection.Output.Reader));
        using var memory = SharedMemoryObject.CreateAnonymous(4096);
        await Assert.ThrowsAsync<PeerDiedException>(() => connection.SendObjectAsync(memory).AsTask());
        await Assert.ThrowsAsync<PeerDiedException>(() => connection.AsPipe().Output.FlushAsync().AsTask());
    }

    [Fact]
    [Rule("connection.end")]
    [Rule("connection.half")]
    public async Task A_peer_that_closes_has_left_and_one_that_completed_before_has_completed()
    {
        using (var both = await Both.OpenAsync())
        {
            both.Creator.Output.Write("last"u8);
            var changed = new TaskCompletionSource<PeerState>();
            both.Receiver.Input.PeerChanged += (_, change) => changed.TrySetResult(change.Peer.State);
            var completion = both.Receiver.Input.Completion;
            both.Creator.Dispose();
            Assert.Equal("last", Opening.Read(both.Receiver).Text);
            Assert.Equal(EndpointRole.Writer, (await Assert.ThrowsAsync<PeerLeftException>(() => both.Receiver.Input.WaitToReadAsync().AsTask().WaitAsync(Watchdog.Limit))).Peer.Role);
            Assert.Equal(PeerState.Left, await changed.Task.WaitAsync(Watchdog.Limit));
            await Assert.ThrowsAsync<PeerLeftException>(() => completion.WaitAsync(Watchdog.Limit));
            await Assert.ThrowsAsync<PeerLeftException>(() => both.Receiver.ReceiveObjectAsync().AsTask().WaitAsync(Watchdog.Limit));
        }

        using (var both = await Both.OpenAsync())
        {
            both.Creator.Output.Write("last"u8);
            both.Creator.Output.Complete();
            both.Receiver.Output.Write("goes on"u8);
            Assert.Equal("goes on", Opening.Read(both.Creator).Text);
            both.Creator.Dispose();
            Assert.True(await both.Receiver.Input.WaitToReadAsync());
            Assert.Equal("last", Opening.Read(both.Receiver).Text);
            Assert.False(await both.Receiver.Input.WaitToReadAsync());
            Assert.False(both.Receiver.Input.WaitToRead(Watchdog.Limit));
            await both.Receiver.Input.Completion.WaitAsync(Watchdog.Limit);
        }
    }

    [Fact]
    [Rule("connection.end")]
    public async Task A_peer_that_closes_the_socket_alone_is_gone_too()
    {
        using var pair = new SocketPair();
        using var connection = await MessageConnection.AcceptAsync(pair.Sender, new() { Capacity = 4096 });
        using var memory = await pair.Receiver.ReceiveObjectAsync(MemorySeals.Shrink);
        using var bytes = memory.Map();
        var waiting = connection.Input.WaitToReadAsync().AsTask();
        Assert.Equal(PeerState.None, connection.Input.Writer);
        pair.Receiver.Dispose();
        await Assert.ThrowsAsync<PeerLeftException>(() => waiting.WaitAsync(Watchdog.Limit));
        Assert.Equal((PeerState.Left, PeerState.Left), (connection.Input.Writer, connection.Output.Reader));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Rule("connection.unopened")]
    public async Task The_end_of_the_socket_is_seen_past_objects_that_nobody_receives(bool isShutDown)
    {
        using var pair = new SocketPair();
        using var connection = await MessageConnection.AcceptAsync(pair.Sender, new() { Capacity = 4096 });
        using var memory = await pair.Receiver.ReceiveObjectAsync(MemorySeals.Shrink);
        using var sent = SharedMemoryObject.CreateAnonymous(4096);
        for (var i = 0; i < 20; i++)
        {
            await pair.Receiver.SendObjectAsync(sent);
        }

        var waiting = connection.Input.WaitToReadAsync().AsTask();
        Assert.Equal(PeerState.None, connection.Input.Writer);
        if (isShutDown)
        {
            pair.Receiver.Shutdown(System.Net.Sockets.SocketShutdown.Both);
        }
        else
        {
            pair.Receiver.Dispose();
        }

        await Assert.ThrowsAsync<PeerLeftException>(() => waiting.WaitAsync(Watchdog.Limit));
        Assert.Equal((PeerState.Left, PeerState.Left), (connection.Input.Writer, connection.Output.Reader));
        // What it had sent is there.
        for (var i = 0; i < 20; i++)
        {
            using var received = await connection.ReceiveObjectAsync().AsTask().WaitAsync(Watchdog.Limit);
            Assert.Equal(4096, received.Length);
        }

        await Assert.ThrowsAsync<PeerLeftException>(() => connection.ReceiveObjectAsync().AsTask().WaitAsync(Watchdog.Limit));
    }

    [Fact]
    [Rule("connection.unopened")]
    public async Task A_peer_that_dies_before_it_has_received_the_connection_is_noticed()
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var listener = new MessageListener(directory.File("sock"), new() { Capacity = 4096 });
        foreach (var isBlocked in (bool[])[false, true])
        {
            using var peer = Partner.Start("connection", "connect-only", directory.File("sock"));
            using var connection = await listener.AcceptAsync();
            Assert.Equal("open", peer.ReadLine());
            var waiting = isBlocked ? Task.Run(() => connection.Input.WaitToRead(Watchdog.Limit)) : connection.Input.WaitToReadAsync().AsTask();
            peer.Kill();
            var loss = await Assert.ThrowsAsync<PeerLeftException>(() => waiting.WaitAsync(Watchdog.Limit));
            Assert.Equal(PeerState.Left, loss.Peer.State);
        }
    }

    [Fact]
    [Rule("connection.end")]
    public void A_peer_that_is_killed_while_it_sends_loses_only_what_it_had_not_committed()
    {
        using var directory = TemporaryDirectory.InMemory();
        for (var round = 0; round < 5; round++)
        {
            using var peer = Partner.Start("connection", "listen", directory.File("sock"));
            Assert.Equal("listening", peer.ReadLine());
            using var connection = MessageConnection.ConnectAsync(directory.File("sock")).AsTask().GetAwaiter().GetResult();
            Assert.Equal("open", peer.ReadLine());
            peer.Tell("echo 1000000");
            var (sent, received) = (0, 0);
            var bytes = new byte[16];
            try
            {
                while (true)
                {
                    BitConverter.TryWriteBytes(bytes, sent);
                    if (connection.Output.TryWrite(bytes))
                    {
                        sent++;
                    }

                    if (received == 1000 * round)
                    {
                        peer.Kill();
                    }

                    if (sent - received > 100)
                    {
                        connection.Input.WaitToRead(Watchdog.Limit);
                        Assert.True(connection.Input.TryRead(bytes, out var length, out _));
                        Assert.Equal((16, received++), (length, BitConverter.ToInt32(bytes)));
                    }
                }
            }
            catch (PeerDiedException)
            {
                Assert.InRange(received, 1000 * round, sent);
            }
        }
    }

    [Fact]
    [Rule("connection.stopped")]
    public async Task A_stopped_peer_is_waited_for()
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var listener = new MessageListener(directory.File("sock"), new() { Capacity = 4096 });
        using var peer = Partner.Start("connection", "connect", directory.File("sock"));
        using var connection = await listener.AcceptAsync();
        Assert.Equal("open", peer.ReadLine());
        Signal(peer, "STOP");
        var waiting = connection.Input.WaitToReadAsync().AsTask();
        Assert.False(connection.Output.WaitToWrite(100, TimeSpan.Zero) && waiting.IsCompleted);
        await Task.Delay(300);
        Assert.False(waiting.IsCompleted);
        Assert.Equal(PeerState.Alive, connection.Input.Writer);
        Signal(peer, "CONT");
        peer.Ask("write late");
        Assert.True(await waiting.WaitAsync(Watchdog.Limit));
        Assert.Equal("late", Opening.Read(connection).Text);
    }

    [SkippableFact]
    [SupportedOSPlatform("linux")]
    [Rule("connection.namespaces")]
    public async Task A_peer_in_another_PID_namespace_is_a_peer_like_any()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var directory = TemporaryDirectory.InMemory();
        await using var listener = new MessageListener(directory.File("sock"), new() { Capacity = 4096 });
        using var peer = Peer.Run("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", Partner.Program, "connection", "connect", directory.File("sock"));
        using var connection = await listener.AcceptAsync();
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("True", peer.Ask("write inside"));
        Assert.Equal("inside", Opening.Read(connection).Text);
        Assert.Equal(1, connection.GetStatus().Endpoints[2].ProcessId);
        var waiting = connection.Input.WaitToReadAsync().AsTask();
        peer.Kill();
        await Assert.ThrowsAsync<PeerDiedException>(() => waiting.WaitAsync(Watchdog.Limit));
    }

    [SkippableFact]
    [SupportedOSPlatform("linux")]
    [Rule("connection.namespaces")]
    [Rule("connection.peer")]
    [Rule("connection.listen")]
    public async Task Another_user_connects_where_the_mode_lets_it()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        using var copy = new ReadableCopy();
        using var directory = TemporaryDirectory.InMemory();
        File.SetUnixFileMode(directory.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);
        var program = copy.PathOf(Partner.Program);
        await using (new MessageListener(directory.File("mine")))
        {
            using var refused = Privileged.RunAs(Privileged.Stranger, program, "connection", "connect", directory.File("mine"));
            var (code, _, errors) = refused.Finish();
            Assert.NotEqual(0, code);
            Assert.Contains("EACCES", errors, StringComparison.Ordinal);
        }

        await using var listener = new MessageListener(directory.File("sock"), new() { Capacity = 4096 }, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherWrite);
        using var peer = Privileged.RunAs(Privileged.Stranger, program, "connection", "connect", directory.File("sock"));
        using var connection = await listener.AcceptAsync();
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal((uint)Privileged.Stranger, connection.Peer.UserId);
        Assert.Equal("True", peer.Ask("write stranger"));
        Assert.Equal("stranger", Opening.Read(connection).Text);
        var waiting = connection.Input.WaitToReadAsync().AsTask();
        peer.Kill();
        await Assert.ThrowsAsync<PeerDiedException>(() => waiting.WaitAsync(Watchdog.Limit));
    }

    private static void Signal(Peer peer, string signal)
    {
        using var kill = Peer.Run("kill", $"-{signal}", peer.ProcessId.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(0, kill.Finish().ExitCode);
    }
}
