namespace Posix.SharedMemory.Channels.Tests.Calls;

/// <summary>Calls that are cancelled, whose time is up, and that find no room.</summary>
public sealed class GivingUp
{
    [Fact]
    [Rule("call.cancel")]
    public async Task A_call_that_is_cancelled_ends_at_once_and_its_answer_is_dropped()
    {
        using var pair = await CallPair.OpenAsync();
        using var cancelling = new CancellationTokenSource();
        var asking = CallPair.AskAsync(pair.Mine, "x", cancellationToken: cancelling.Token);
        var call = await CallPair.ReceiveAsync(pair.Theirs);
        Assert.False(call.IsCancelled);
        var token = call.CancellationToken;
        cancelling.Cancel();
        Assert.Equal(cancelling.Token, (await Assert.ThrowsAsync<OperationCanceledException>(() => asking.WaitAsync(Watchdog.Limit))).CancellationToken);
        Watchdog.Until(() => token.IsCancellationRequested, "the peer's token to be cancelled");
        Assert.True(call.IsCancelled);
        Assert.True(call.CancellationToken.IsCancellationRequested);
        // The answer may be any, and the next call is not confused by it.
        Assert.True(call.TryReply("late"u8));
        var next = CallPair.AskAsync(pair.Mine, "y");
        Assert.True((await CallPair.ReceiveAsync(pair.Theirs)).TryReply("in time"u8));
        Assert.Equal("in time", await next.WaitAsync(Watchdog.Limit));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => CallPair.AskAsync(pair.Mine, "z", cancellationToken: cancelling.Token));
    }

    [Fact]
    [Rule("call.cancel")]
    public async Task A_call_that_was_not_sent_yet_is_not_sent_when_it_is_cancelled()
    {
        using var pair = await CallPair.OpenAsync();
        using var cancelling = new CancellationTokenSource();
        var first = Enumerable.Range(0, 3).Select(_ => CallPair.AskAsync(pair.Mine, new('x', 1000))).ToArray();
        var waiting = CallPair.AskAsync(pair.Mine, new('y', 1500), cancellationToken: cancelling.Token);
        var last = CallPair.AskAsync(pair.Mine, "z");
        cancelling.Cancel();
        await Assert.ThrowsAsync<OperationCanceledException>(() => waiting.WaitAsync(Watchdog.Limit));
        for (var i = 0; i < 4; i++)
        {
            var call = await CallPair.ReceiveAsync(pair.Theirs);
            Assert.Equal((byte)(i == 3 ? 'z' : 'x'), call.Request.Span[0]);
            Assert.True(call.TryReply(default));
        }

        await Task.WhenAll([.. first, last]).WaitAsync(Watchdog.Limit);
        Assert.False(pair.Theirs.TryReceive(out _));
    }

    [Fact]
    [Rule("call.deadline")]
    public async Task Calls_that_one_that_is_given_up_lets_go_on_end_in_their_time_too()
    {
        using var pair = await CallPair.OpenAsync();
        _ = Enumerable.Range(0, 3).Select(_ => CallPair.AskAsync(pair.Mine, new('x', 1000))).ToArray();
        var big = pair.Mine.CallAsync(new byte[1500], TimeSpan.FromMilliseconds(20)).AsTask();
        var small = pair.Mine.CallAsync(new byte[1], TimeSpan.FromMilliseconds(200)).AsTask();
        await Assert.ThrowsAsync<TimeoutException>(() => big.WaitAsync(Watchdog.Limit));
        Assert.Contains("was not answered within", (await Assert.ThrowsAsync<TimeoutException>(() => small.WaitAsync(Watchdog.Limit))).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Rule("call.cancel")]
    [Rule("call.serve")]
    public async Task A_call_that_was_cancelled_before_it_was_received_is_not_handled()
    {
        using var pair = await CallPair.OpenAsync();
        using var cancelling = new CancellationTokenSource();
        var asking = CallPair.AskAsync(pair.Mine, "x", cancellationToken: cancelling.Token);
        cancelling.Cancel();
        await Assert.ThrowsAsync<OperationCanceledException>(() => asking.WaitAsync(Watchdog.Limit));
        var handled = 0;
        var serving = pair.Theirs.ServeAsync(call =>
        {
            Interlocked.Increment(ref handled);
            return call.ReplyAsync(call.Request);
        });
        Assert.Equal("y", await CallPair.AskAsync(pair.Mine, "y").WaitAsync(Watchdog.Limit));
        Assert.Equal(1, handled);
        pair.Mine.Dispose();
        await serving.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("call.deadline")]
    public async Task A_call_whose_time_is_up_ends_and_is_cancelled_at_the_peer()
    {
        using var pair = await CallPair.OpenAsync();
        var asking = pair.Mine.CallAsync("x"u8.ToArray(), TimeSpan.FromMilliseconds(20)).AsTask();
        var patient = pair.Mine.CallAsync("y"u8.ToArray(), TimeSpan.FromHours(1)).AsTask();
        var call = await CallPair.ReceiveAsync(pair.Theirs);
        Assert.InRange(call.TimeLeft, TimeSpan.Zero, TimeSpan.FromMilliseconds(20));
        var other = await CallPair.ReceiveAsync(pair.Theirs);
        Assert.InRange(other.TimeLeft, TimeSpan.FromMinutes(30), TimeSpan.FromHours(1));
        Assert.Contains("00:00:00.02", (await Assert.ThrowsAsync<TimeoutException>(() => asking.WaitAsync(Watchdog.Limit))).Message, StringComparison.Ordinal);
        Watchdog.Until(() => call.IsCancelled, "the cancellation to arrive");
        Watchdog.Until(() => call.TimeLeft == TimeSpan.Zero, "the time to be up on the other side too");
        call.Dispose();
        // One that blocks, and one that is not even sent.
        Assert.Throws<TimeoutException>(() => pair.Mine.Call("z"u8, timeout: TimeSpan.Zero));
        var filling = Enumerable.Range(0, 4).Select(_ => pair.Mine.CallAsync(new byte[1000]).AsTask()).ToArray();
        await Assert.ThrowsAsync<TimeoutException>(() => pair.Mine.CallAsync(new byte[2000], TimeSpan.FromMilliseconds(1)).AsTask().WaitAsync(Watchdog.Limit));
        Assert.Throws<TimeoutException>(() => pair.Mine.Call(new byte[2000], timeout: TimeSpan.FromMilliseconds(1)));
        Assert.True(other.TryReply("patience"u8));
        Assert.Equal(8, (await patient.WaitAsync(Watchdog.Limit)).Span.Length);
        pair.Mine.Dispose();
        foreach (var task in filling)
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(() => task.WaitAsync(Watchdog.Limit));
        }
    }

    [Fact]
    [Rule("call.layout")]
    public async Task The_records_of_calls_have_these_bytes()
    {
        using var pair = await CallPair.OpenAsync();
        pair.Raw.Input.Ring.TakesCalls = true;
        using var cancelling = new CancellationTokenSource();
        var calling = pair.Mine.CallAsync("ask"u8.ToArray(), TimeSpan.FromMilliseconds(0x0A0B0C), 5, cancelling.Token).AsTask();
        cancelling.Cancel();
        await Assert.ThrowsAsync<OperationCanceledException>(() => calling.WaitAsync(Watchdog.Limit));
        pair.Send(0xFF01, 1, 3);
        (await CallPair.ReceiveAsync(pair.Mine)).Fail(9, "no");
        pair.Send(0xFF01, 2, 0);
        Assert.True((await CallPair.ReceiveAsync(pair.Mine)).TryReply("yes"u8));
        foreach (var (type, expected) in ((ushort, string)[])[
            (0xFF01, "01000000000000000000" + "0500" + "0C0B0A00" + "61736B"), (0xFF02, "01000000000000000000" + "0000" + "00000000"),
            (0xFF04, "01000000000000000300" + "0100" + "09000000" + "6E6F"), (0xFF04, "02000000000000000000" + "0000" + "00000000" + "796573")])
        {
            Assert.True(pair.Raw.Input.TryRead(out MessageLease lease));
            using (lease)
            {
                Assert.Equal((type, expected), (lease.Type, Convert.ToHexString(lease.Span)));
            }
        }
    }

    [Fact]
    [Rule("call.room")]
    [Rule("call.once")]
    public async Task Answers_wait_for_room_before_calls_and_one_that_was_cancelled_can_be_given_again()
    {
        using var pair = await CallPair.OpenAsync();
        // The peer reads nothing until it is asked to.
        pair.Raw.Input.Ring.TakesCalls = true;
        for (ushort i = 0; i < 5; i++)
        {
            pair.Send(0xFF01, i + 1UL, i);
        }

        var calls = new List<IncomingCall>();
        for (var i = 0; i < 5; i++)
        {
            calls.Add(await CallPair.ReceiveAsync(pair.Mine));
        }

        using var cancelling = new CancellationTokenSource();
        await calls[0].ReplyAsync(new byte[1500]);
        await calls[1].ReplyAsync(new byte[1500]);
        Assert.False(calls[2].TryReply(new byte[1500]));
        var waiting = calls[2].ReplyAsync(new byte[1500], cancelling.Token).AsTask();
        var asking = CallPair.AskAsync(pair.Mine, "call");
        calls[3].Fail(3, "full");
        var other = calls[4].ReplyAsync("second"u8.ToArray()).AsTask();
        Assert.Throws<InvalidOperationException>(() => calls[4].TryReply(default));
        Assert.Throws<InvalidOperationException>(() => calls[3].Fail(4));
        calls[4].Dispose();
        Assert.False(other.IsCompleted);
        cancelling.Cancel();
        await Assert.ThrowsAsync<OperationCanceledException>(() => waiting.WaitAsync(Watchdog.Limit));
        var again = calls[2].ReplyAsync("again"u8.ToArray()).AsTask();
        var found = new List<(ushort Type, int Place, int Length)>();
        while (found.Count < 6)
        {
            Assert.True(await pair.Raw.Input.WaitToReadAsync().AsTask().WaitAsync(Watchdog.Limit));
            while (pair.Raw.Input.TryRead(out MessageLease lease))
            {
                using (lease)
                {
                    found.Add((lease.Type, lease.Span[8], lease.Span.Length));
                }
            }
        }

        Assert.Equal([(0xFF04, 0, 1516), (0xFF04, 1, 1516), (0xFF04, 3, 20), (0xFF04, 4, 22), (0xFF04, 2, 21), (0xFF01, 0, 20)], found);
        await Task.WhenAll(other, again).WaitAsync(Watchdog.Limit);
        pair.Send(0xFF04, 1, 0, length: 3);
        Assert.Equal("\0\0\0", await asking.WaitAsync(Watchdog.Limit));
    }
}
