using System.Net.Sockets;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Connections;

/// <summary>A listener and the file of its socket.</summary>
public sealed class Listening
{
    private const UnixFileMode ForAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    [Fact]
    [Rule("connection.listen")]
    public async Task The_file_has_its_permissions_and_goes_with_the_listener()
    {
        using var directory = TemporaryDirectory.InMemory();
        var path = directory.File("sock");
        await using (new MessageListener(path))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            Assert.Equal(["sock"], directory.List());
        }

        Assert.Empty(directory.List());
        using (var listener = new MessageListener(path, mode: ForAll))
        {
            Assert.Equal(ForAll, File.GetUnixFileMode(path));
            listener.Dispose();
            listener.Dispose();
            await Assert.ThrowsAsync<ObjectDisposedException>(() => listener.AcceptAsync().AsTask());
        }

        Assert.Empty(directory.List());
    }

    [Fact]
    [Rule("connection.listen")]
    public async Task A_wait_for_a_client_ends_with_its_token_and_with_the_listener()
    {
        using var directory = TemporaryDirectory.InMemory();
        var listener = new MessageListener(directory.File("sock"));
        using var cancelling = new CancellationTokenSource();
        var first = listener.AcceptAsync(cancelling.Token).AsTask();
        cancelling.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.WaitAsync(Watchdog.Limit));
        var second = listener.AcceptAsync().AsTask();
        await listener.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => second.WaitAsync(Watchdog.Limit));
    }

    [Fact]
    [Rule("connection.taken")]
    public void A_path_that_is_in_use_is_refused_and_left_alone()
    {
        using var directory = TemporaryDirectory.InMemory();
        var path = directory.File("sock");
        using (var other = Partner.Start("connection", "listen-only", path))
        {
            Assert.Equal("open", other.ReadLine());
            Refused(path);
            Assert.Equal(["sock"], directory.List());
        }

        // It was killed.
        Assert.Equal(["sock"], directory.List());
        using (new MessageListener(path))
        {
            Assert.Equal(["sock"], directory.List());
            Refused(path);
        }

        File.WriteAllText(path, "text");
        Refused(path);
        Assert.Equal("text", File.ReadAllText(path));
        File.WriteAllText(path, "");
        Refused(path);
        File.Delete(path);
        Directory.CreateDirectory(path);
        Refused(path);
        Directory.Delete(path);
        Peer.Run("mkfifo", path).Finish();
        Refused(path);
        Assert.Equal(["sock"], directory.List());
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => new MessageListener(directory.File("no/sock"))).Errno);

        static void Refused(string path)
        {
            var refusal = Assert.Throws<SharedMemoryException>(() => new MessageListener(path));
            Assert.Equal(Errno.EADDRINUSE, refusal.Errno);
            Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Rule("connection.taken")]
    public async Task A_socket_that_any_dead_listener_has_left_is_replaced()
    {
        using var directory = TemporaryDirectory.InMemory();
        var path = directory.File("sock");
        using (var other = Peer.Run("python3", "-c", "import socket,sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()", path))
        {
            other.Finish();
        }

        Assert.Equal(["sock"], directory.List());
        await using var listener = new MessageListener(path);
        var connecting = MessageConnection.ConnectAsync(path).AsTask();
        using var server = await listener.AcceptAsync();
        using var client = await connecting;
        client.Output.Write("hello"u8);
        Assert.Equal("hello", Opening.Read(server).Text);
        Assert.Equal(["sock"], directory.List());
    }

    [Fact]
    [Rule("connection.taken")]
    public async Task Of_many_that_find_a_dead_listener_exactly_one_takes_its_place()
    {
        using var directory = TemporaryDirectory.InMemory();
        var path = directory.File("sock");
        for (var round = 0; round < 20; round++)
        {
            using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            {
                dead.Bind(new UnixDomainSocketEndPoint(directory.File("made")));
                File.Move(directory.File("made"), path, overwrite: true);
            }

            using var start = new Barrier(4);
            var attempts = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            {
                start.SignalAndWait();
                try
                {
                    return new MessageListener(path);
                }
                catch (SharedMemoryException e) when (e.Errno == Errno.EADDRINUSE)
                {
                    return null;
                }
            })).ToArray();
            var listeners = (await Task.WhenAll(attempts)).OfType<MessageListener>().ToList();
            Assert.Equal(["sock"], directory.List());
            Assert.Single(listeners).Dispose();
            Assert.Empty(directory.List());
        }
    }

    [Fact]
    [Rule("connection.taken")]
    public void A_lock_file_that_was_left_holds_nobody_up_and_one_that_is_held_changes_nothing()
    {
        using var directory = TemporaryDirectory.InMemory();
        var path = directory.File("sock");
        File.WriteAllText(directory.File(".shm-sock.lock"), "");
        new MessageListener(path).Dispose();
        Assert.Empty(directory.List());
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(directory.File("made")));
            File.Move(directory.File("made"), path);
        }

        using (new FileStream(directory.File(".shm-sock.lock"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
        {
            var refusal = Assert.Throws<SharedMemoryException>(() => new MessageListener(path));
            Assert.Equal(Errno.EADDRINUSE, refusal.Errno);
            Assert.Contains(".shm-sock.lock", refusal.Message, StringComparison.Ordinal);
            Assert.Equal([".shm-sock.lock", "sock"], directory.List().Order(StringComparer.Ordinal));
        }

        new MessageListener(path).Dispose();
        Assert.Empty(directory.List());
    }

    [Fact]
    [Rule("connection.listen")]
    public void A_file_that_is_no_longer_the_listener_s_stays()
    {
        using var directory = TemporaryDirectory.InMemory();
        var path = directory.File("sock");
        var first = new MessageListener(path);
        File.Delete(path);
        using var second = new MessageListener(path);
        first.Dispose();
        Assert.Equal(["sock"], directory.List());
        Assert.Throws<SharedMemoryException>(() => new MessageListener(path));
    }

    [Fact]
    [Rule("connection.silent")]
    public async Task Clients_that_say_nothing_or_leave_at_once_hold_up_nobody()
    {
        using var directory = TemporaryDirectory.InMemory();
        var path = directory.File("sock");
        await using var listener = new MessageListener(path, new() { Capacity = 4096 });
        using var silent = Partner.Start("connection", "connect-only", path);
        Assert.Equal("open", silent.ReadLine());
        for (var i = 0; i < 10; i++)
        {
            using var gone = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            gone.Connect(new UnixDomainSocketEndPoint(path));
        }

        var accepted = new List<MessageConnection>();
        using var cancelling = new CancellationTokenSource();
        var accepting = Task.Run(async () =>
        {
            while (true)
            {
                accepted.Add(await listener.AcceptAsync(cancelling.Token));
            }
        });
        using var here = await MessageConnection.ConnectAsync(path).AsTask().WaitAsync(Watchdog.Limit);
        cancelling.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accepting.WaitAsync(Watchdog.Limit));
        // The first is the silent one: what is written to it waits.
        Assert.Equal(PeerState.None, accepted[0].Input.Writer);
        Assert.False(accepted[0].Input.WaitToRead(TimeSpan.FromMilliseconds(5)));
        var waiting = accepted[0].Input.WaitToReadAsync().AsTask();
        silent.Kill();
        await Assert.ThrowsAsync<PeerLeftException>(() => waiting.WaitAsync(Watchdog.Limit));
        accepted.ForEach(connection => connection.Dispose());
    }

    [Fact]
    [Rule("connection.silent")]
    public async Task A_listener_that_sends_nothing_is_waited_for_until_the_token_is_cancelled_and_one_that_closes_has_left()
    {
        using var directory = TemporaryDirectory.InMemory();
        var path = directory.File("sock");
        Assert.Equal(Errno.ENOENT, (await Assert.ThrowsAsync<SharedMemoryException>(() => MessageConnection.ConnectAsync(path).AsTask())).Errno);
        using var listening = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listening.Bind(new UnixDomainSocketEndPoint(path));
        Assert.Equal(Errno.ECONNREFUSED, (await Assert.ThrowsAsync<SharedMemoryException>(() => MessageConnection.ConnectAsync(path).AsTask())).Errno);
        listening.Listen(1);
        using var cancelling = new CancellationTokenSource();
        var first = MessageConnection.ConnectAsync(path, cancelling.Token).AsTask();
        using var silent = listening.Accept();
        cancelling.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.WaitAsync(Watchdog.Limit));
        var second = MessageConnection.ConnectAsync(path).AsTask();
        listening.Accept().Dispose();
        await Assert.ThrowsAsync<PeerLeftException>(() => second.WaitAsync(Watchdog.Limit));
        // The token, and not the options.
        var third = MessageConnection.ConnectAsync(path, default).AsTask();
        using (var half = listening.Accept())
        {
            half.Send("SHM"u8);
        }

        await Assert.ThrowsAsync<PeerLeftException>(() => third.WaitAsync(Watchdog.Limit));
    }
}
