using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Calls;

/// <summary>The peer is killed, left or completed, or this side was closed, while calls are under way.</summary>
public sealed class Ends
{
    [Theory]
    [InlineData("hold")]
    [InlineData("nothing")]
    [Rule("call.death")]
    public async Task A_killed_peer_ends_every_call_and_every_wait(string act)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var listener = new MessageListener(directory.File("sock"), new() { Capacity = 4096 });
        using var peer = Partner.Start("connection", "connect", directory.File("sock"));
        await using var calls = (await listener.AcceptAsync()).AsCalls();
        Assert.Equal("open", peer.ReadLine());
        // Its own call, which is answered after its death.
        Assert.Equal("called", peer.Ask("call"));
        var theirs = await CallPair.ReceiveAsync(calls);
        var token = theirs.CancellationToken;
        var pending = Enumerable.Range(0, 5).Select(_ => CallPair.AskAsync(calls, new('x', 1000))).ToList();
        pending.Add(Task.Run(() => $"{calls.Call("blocked"u8, timeout: Watchdog.Limit).Span.Length}"));
        var waiting = calls.WaitToReceiveAsync().AsTask();
        if (act == "hold")
        {
            Assert.Equal("held 4", peer.Ask("hold"));
        }

        peer.Kill();
        foreach (var task in pending)
        {
            var died = await Assert.ThrowsAsync<PeerDiedException>(() => task.WaitAsync(Watchdog.Limit));
            Assert.Equal(PeerState.Died, died.Peer.State);
        }

        await Assert.ThrowsAsync<PeerDiedException>(() => waiting.WaitAsync(Watchdog.Limit));
        Watchdog.Until(() => token.IsCancellationRequested && theirs.IsCancelled, "the call of the dead to be cancelled");
        Assert.Throws<PeerDiedException>(() => theirs.TryReply("x"u8));
        await Assert.ThrowsAsync<PeerDiedException>(() => theirs.ReplyAsync(default).AsTask());
        theirs.Dispose();
        Assert.Throws<PeerDiedException>(() => calls.Call(default));
        await Assert.ThrowsAsync<PeerDiedException>(() => calls.CallAsync(default).AsTask());
        await Assert.ThrowsAsync<PeerDiedException>(() => calls.WaitToReceiveAsync().AsTask());
        Assert.Throws<PeerDiedException>(() => calls.WaitToReceive(Watchdog.Limit));
        await Assert.ThrowsAsync<PeerDiedException>(() => calls.ServeAsync(_ => default));
        Assert.False(calls.TryReceive(out _));
        // Whatever else waits for the peer learns of its death too.
        Assert.Throws<PeerDiedException>(() => calls.Connection.Input.WaitToRead(Watchdog.Limit));
    }

    [Fact]
    [Rule("call.death")]
    public async Task A_failure_of_this_side_ends_its_calls_and_leaves_the_peer_alive()
    {
        using var pair = await CallPair.OpenAsync();
        var connection = pair.Mine.Connection;
        pair.Raw.Output.Write([1]);
        // The program reads from the connection itself, where only calls may.
        Borrow(connection.Input);
        var call = pair.Mine.CallAsync("x"u8.ToArray()).AsTask();
        Assert.IsType<InvalidOperationException>((await Assert.ThrowsAsync<ChannelException>(() => call.WaitAsync(Watchdog.Limit))).InnerException);
        Assert.Equal((PeerState.Alive, PeerState.Alive), (connection.Input.Writer, connection.Output.Reader));

        static void Borrow(MessageReader input) => Assert.True(input.TryRead(out MessageLease _));
    }

    [Fact]
    [Rule("call.death")]
    public async Task A_peer_that_died_while_nobody_waited_ends_the_next_call()
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var listener = new MessageListener(directory.File("sock"), new() { Capacity = 4096 });
        using var peer = Partner.Start("connection", "connect", directory.File("sock"));
        await using var calls = (await listener.AcceptAsync()).AsCalls();
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("called", peer.Ask("call"));
        peer.Kill();
        Watchdog.Until(() => calls.Connection.Input.Writer == PeerState.Died, "the death to be seen");
        await Assert.ThrowsAsync<PeerDiedException>(() => calls.CallAsync("x"u8.ToArray()).AsTask().WaitAsync(Watchdog.Limit));
    }

    [Fact]
    [Rule("call.death")]
    public async Task A_peer_that_left_or_completed_answers_no_more()
    {
        using (var pair = await CallPair.OpenAsync())
        {
            var asking = CallPair.AskAsync(pair.Mine, "x");
            pair.Raw.Dispose();
            await Assert.ThrowsAsync<PeerLeftException>(() => asking.WaitAsync(Watchdog.Limit));
            Assert.Throws<PeerLeftException>(() => pair.Mine.Call(default));
        }

        using (var pair = await CallPair.OpenAsync())
        {
            // Its call can still be answered.
            var theirs = CallPair.AskAsync(pair.Theirs, "question");
            var call = await CallPair.ReceiveAsync(pair.Mine);
            var asking = CallPair.AskAsync(pair.Mine, "x");
            pair.Raw.Output.Complete();
            var ended = await Assert.ThrowsAsync<ChannelException>(() => asking.WaitAsync(Watchdog.Limit));
            Assert.Contains("completed", ended.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<ChannelException>(() => pair.Mine.CallAsync(default).AsTask());
            Assert.Throws<ChannelException>(() => pair.Mine.Call(default));
            Assert.True(call.TryReply("answer"u8));
            Assert.Equal("answer", await theirs.WaitAsync(Watchdog.Limit));
        }
    }

    [Fact]
    [Rule("call.disposed")]
    public async Task Disposing_ends_what_is_under_way_and_completes_the_output()
    {
        using var pair = await CallPair.OpenAsync();
        var (mine, theirs) = (pair.Mine, pair.Theirs);
        var pending = Enumerable.Range(0, 6).Select(_ => CallPair.AskAsync(mine, new('x', 1000))).ToList();
        pending.Add(Task.Run(() => $"{mine.Call("blocked"u8, timeout: Watchdog.Limit).Span.Length}"));
        var waiting = mine.WaitToReceiveAsync().AsTask();
        var serving = theirs.ServeAsync(async call => await Task.Delay(Timeout.Infinite, call.CancellationToken));
        mine.Dispose();
        mine.Dispose();
        foreach (var task in pending)
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(() => task.WaitAsync(Watchdog.Limit));
        }

        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting.WaitAsync(Watchdog.Limit));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => mine.CallAsync(default).AsTask());
        Assert.Throws<ObjectDisposedException>(() => mine.Call(default));
        Assert.Throws<ObjectDisposedException>(() => mine.TryReceive(out _));
        Assert.Throws<ObjectDisposedException>(() => mine.Connection.AsCalls());
        // Its peer has completed and is gone: the handlers see that nobody waits any more.
        await Task.WhenAny(serving).WaitAsync(Watchdog.Limit);
        theirs.Dispose();
    }

    [Fact]
    [Rule("call.disposed")]
    public async Task A_blocked_thread_that_reads_is_woken_when_the_side_is_disposed()
    {
        foreach (var calls in (bool[])[true, false])
        {
            using var pair = await CallPair.OpenAsync();
            var blocked = Task.Factory.StartNew(() => calls ? pair.Mine.Call(default, timeout: Watchdog.Limit).Span.Length : pair.Mine.WaitToReceive(Watchdog.Limit) ? 1 : 0, TaskCreationOptions.LongRunning);
            if (calls)
            {
                await CallPair.ReceiveAsync(pair.Theirs);
            }

            pair.Mine.Dispose();
            await Assert.ThrowsAsync<ObjectDisposedException>(() => blocked.WaitAsync(Watchdog.Limit));
        }
    }
}
