using System.Text;

namespace Posix.SharedMemory.Channels.Tests.Calls;

/// <summary>Requests and their replies.</summary>
public sealed class Calling
{
    [Theory]
    [InlineData(4096)]
    [InlineData(1 << 16)]
    [Rule("call.reply")]
    public async Task Requests_and_replies_of_all_lengths_arrive_whole(long capacity)
    {
        using var pair = await CallPair.OpenAsync(capacity);
        var serving = pair.Theirs.ServeAsync(async call =>
        {
            var reply = call.Request.ToArray();
            Array.Reverse(reply);
            await call.ReplyAsync(reply);
        });
        int[] lengths = [0, 1, 15, 16, 17, 1000, pair.Mine.MaxLength - 1, pair.Mine.MaxLength, 3];
        for (var round = 0; round < 4; round++)
        {
            foreach (var length in lengths)
            {
                var request = new byte[length];
                Random.Shared.NextBytes(request);
                using var reply = round % 2 == 0 ? await pair.Mine.CallAsync(request) : pair.Mine.Call(request, timeout: Watchdog.Limit);
                Array.Reverse(request);
                Assert.True(reply.Span.SequenceEqual(request));
            }
        }

        pair.Mine.Dispose();
        await serving.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("call.once")]
    public async Task A_result_that_is_taken_too_early_is_refused_and_comes_nevertheless()
    {
        using var pair = await CallPair.OpenAsync();
        var asking = pair.Mine.CallAsync("first"u8.ToArray());
        Assert.Throws<InvalidOperationException>(() => asking.GetAwaiter().GetResult());
        var next = CallPair.AskAsync(pair.Mine, "second");
        Assert.True((await CallPair.ReceiveAsync(pair.Theirs)).TryReply("1"u8));
        Assert.True((await CallPair.ReceiveAsync(pair.Theirs)).TryReply("2"u8));
        Assert.Equal("2", await next.WaitAsync(Watchdog.Limit));
        using var reply = await asking.AsTask().WaitAsync(Watchdog.Limit);
        Assert.Equal("1", System.Text.Encoding.UTF8.GetString(reply.Span));
    }

    [Fact]
    [Rule("call.reply")]
    public async Task Calls_are_answered_in_any_order_with_their_types()
    {
        using var pair = await CallPair.OpenAsync();
        var asked = Enumerable.Range(0, 20).Select(i => CallPair.AskAsync(pair.Mine, $"r{i}", (ushort)i)).ToArray();
        var received = new List<IncomingCall>();
        for (var i = 0; i < 20; i++)
        {
            received.Add(await CallPair.ReceiveAsync(pair.Theirs));
        }

        foreach (var call in Enumerable.Reverse(received))
        {
            Assert.Equal(Timeout.InfiniteTimeSpan, call.TimeLeft);
            Assert.True(call.TryReply(Encoding.UTF8.GetBytes($"{call.Type}:{Encoding.UTF8.GetString(call.Request.Span)}")));
        }

        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"{i}:r{i}"), await Task.WhenAll(asked).WaitAsync(Watchdog.Limit));
    }

    [Fact]
    [Rule("call.reply")]
    [Rule("call.many")]
    public async Task Both_sides_call_each_other_from_many_threads()
    {
        using var pair = await CallPair.OpenAsync();
        ValueTask Echo(IncomingCall call) => call.ReplyAsync(call.Request);
        Task[] serving = [pair.Mine.ServeAsync(Echo), pair.Theirs.ServeAsync(Echo)];
        var asking = Enumerable.Range(0, 16).Select(i => Task.Run(async () =>
        {
            var calls = i % 2 == 0 ? pair.Mine : pair.Theirs;
            for (var n = 0; n < 25; n++)
            {
                var request = new string((char)('a' + i), n * 5);
                Assert.Equal(request, await CallPair.AskAsync(calls, request));
                using var reply = calls.Call(Encoding.UTF8.GetBytes(request), timeout: Watchdog.Limit);
                Assert.Equal(request.Length, reply.Span.Length);
            }
        }));
        await Task.WhenAll(asking).WaitAsync(Watchdog.Limit);
        pair.Mine.Dispose();
        await serving[1].WaitAsync(Watchdog.Limit);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => serving[0].WaitAsync(Watchdog.Limit));
    }

    [Theory]
    [InlineData(0, 256)]
    [InlineData(1000, 4)]
    [Rule("call.many")]
    public async Task So_many_calls_and_bytes_are_under_way_and_no_more(int length, int most)
    {
        using var pair = await CallPair.OpenAsync(length == 0 ? 1 << 16 : 4096);
        var asking = Enumerable.Range(0, most + 3).Select(_ => CallPair.AskAsync(pair.Mine, new('x', length))).ToArray();
        var received = new List<IncomingCall>();
        // In-process, what is sent is there.
        while (pair.Theirs.TryReceive(out var call))
        {
            received.Add(call);
        }

        Assert.InRange(received.Count, most - 1, most);
        foreach (var call in received)
        {
            Assert.True(call.TryReply("y"u8));
        }

        for (var i = received.Count; i < most + 3; i++)
        {
            Assert.True((await CallPair.ReceiveAsync(pair.Theirs)).TryReply("y"u8));
        }

        Assert.All(await Task.WhenAll(asking).WaitAsync(Watchdog.Limit), reply => Assert.Equal("y", reply));
    }

    [Fact]
    [Rule("call.surface")]
    public async Task Arguments_are_refused_before_anything_is_sent()
    {
        using var pair = await CallPair.OpenAsync();
        var (most, tooLong) = (pair.Mine.MaxLength, new byte[pair.Mine.MaxLength + 1]);
        Assert.Equal(pair.Mine.Connection.Output.MaxMessageLength - 16, most);
        Assert.Same(pair.Mine, pair.Mine.Connection.AsCalls());
        await Assert.ThrowsAsync<ArgumentException>("request", () => pair.Mine.CallAsync(tooLong).AsTask());
        Assert.Throws<ArgumentException>("request", () => pair.Mine.Call(tooLong));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>("type", () => pair.Mine.CallAsync(default, 0xFF00).AsTask());
        Assert.Throws<ArgumentOutOfRangeException>("type", () => pair.Mine.Call(default, 0xFFFF));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>("timeout", () => pair.Mine.CallAsync(default, TimeSpan.FromSeconds(-2)).AsTask());
        Assert.Throws<ArgumentOutOfRangeException>("timeout", () => pair.Mine.WaitToReceive(TimeSpan.FromSeconds(-2)));
        await Assert.ThrowsAsync<ArgumentNullException>("handler", () => pair.Mine.ServeAsync(null!));
        Assert.Throws<InvalidOperationException>(() => default(IncomingCall).Type);
        default(IncomingCall).Dispose();
        default(CallReply).Dispose();
        Assert.True(default(CallReply).Memory.IsEmpty);
        Assert.Equal(0, pair.Raw.Input.Available);
        var asking = CallPair.AskAsync(pair.Mine, "");
        var call = await CallPair.ReceiveAsync(pair.Theirs);
        Assert.Throws<ArgumentException>("reply", () => call.TryReply(tooLong));
        await Assert.ThrowsAsync<ArgumentException>("reply", () => call.ReplyAsync(tooLong).AsTask());
        Assert.True(call.TryReply("ok"u8));
        Assert.Equal("ok", await asking.WaitAsync(Watchdog.Limit));
    }

    [Fact]
    [Rule("call.once")]
    public async Task A_call_is_answered_once_and_a_reply_given_back_once()
    {
        using var pair = await CallPair.OpenAsync();
        var asking = pair.Mine.CallAsync("a"u8.ToArray()).AsTask();
        var call = await CallPair.ReceiveAsync(pair.Theirs);
        Assert.True(call.TryReply("b"u8));
        Assert.Throws<ObjectDisposedException>(() => call.TryReply("c"u8));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => call.ReplyAsync(default).AsTask());
        Assert.Throws<ObjectDisposedException>(() => call.Fail(1));
        Assert.Throws<ObjectDisposedException>(() => call.Request);
        Assert.Throws<ObjectDisposedException>(() => call.IsCancelled);
        Assert.Throws<ObjectDisposedException>(() => call.CancellationToken);
        call.Dispose();
        var reply = await asking.WaitAsync(Watchdog.Limit);
        var copy = reply;
        Assert.Equal("b"u8.ToArray(), reply.Memory.ToArray());
        Assert.True(reply == copy && reply.Equals((object)copy) && !(reply != copy) && reply.GetHashCode() == copy.GetHashCode());
        reply.Dispose();
        Assert.Throws<ObjectDisposedException>(() => copy.Memory);
        // Its memory is another reply's now: a copy that is disposed again does not touch it.
        var next = pair.Mine.CallAsync("a"u8.ToArray()).AsTask();
        var other = await CallPair.ReceiveAsync(pair.Theirs);
        var same = other;
        Assert.True(other != call && !other.Equals((object)call) && other == same && other.GetHashCode() == same.GetHashCode());
        call.Dispose();
        Assert.True(other.TryReply("d"u8));
        var second = await next.WaitAsync(Watchdog.Limit);
        copy.Dispose();
        Assert.Equal("d"u8.ToArray(), second.Memory.ToArray());
    }

    [Fact]
    [Rule("call.fail")]
    public async Task An_error_reaches_the_caller_with_its_number_and_text()
    {
        using var pair = await CallPair.OpenAsync(1 << 16);
        foreach (var (error, text, expected) in ((int, string, string)[])[(7, "no such price", "no such price"), (-5, "", ""), (1, new('é', 2000), new('é', 512)), (2, "a\nb", "a\\u000ab")])
        {
            var asking = CallPair.AskAsync(pair.Mine, "x");
            (await CallPair.ReceiveAsync(pair.Theirs)).Fail(error, text);
            var failed = await Assert.ThrowsAsync<CallFailedException>(() => asking.WaitAsync(Watchdog.Limit));
            Assert.Equal((error, expected), (failed.Error, failed.Message));
        }

        var left = CallPair.AskAsync(pair.Mine, "x");
        (await CallPair.ReceiveAsync(pair.Theirs)).Dispose();
        Assert.Equal(-1, (await Assert.ThrowsAsync<CallFailedException>(() => left.WaitAsync(Watchdog.Limit))).Error);
        Assert.Equal((-1, -1, -1, 3), (new CallFailedException().Error, new CallFailedException("x").Error, new CallFailedException("x", null).Error, new CallFailedException(3, "x").Error));
    }

    [Fact]
    [Rule("call.order")]
    public async Task A_continuation_that_blocks_its_thread_holds_up_no_other_call()
    {
        using var pair = await CallPair.OpenAsync();
        var serving = pair.Theirs.ServeAsync(call => call.ReplyAsync(call.Request));
        // Each goes on where its answer was read, and blocks there for another call.
        var nested = Enumerable.Range(0, 4).Select(async i =>
        {
            await CallPair.AskAsync(pair.Mine, "outer").ConfigureAwait(false);
            return CallPair.AskAsync(pair.Mine, $"{i}").GetAwaiter().GetResult();
        });
        Assert.Equal(["0", "1", "2", "3"], await Task.WhenAll(nested).WaitAsync(Watchdog.Limit));
        pair.Mine.Dispose();
        await serving.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("call.blocked")]
    public async Task A_thread_that_blocks_reads_for_tasks_too()
    {
        using var pair = await CallPair.OpenAsync();
        var theirs = pair.Theirs;
        var blocked = Task.Run(() => pair.Mine.Call("blocked"u8, timeout: Watchdog.Limit).Span.Length);
        var first = await CallPair.ReceiveAsync(theirs);
        var asking = CallPair.AskAsync(pair.Mine, "task");
        var second = await CallPair.ReceiveAsync(theirs);
        Assert.True(second.TryReply("for the task"u8));
        Assert.Equal("for the task", await asking.WaitAsync(Watchdog.Limit));
        // And the other way round: the peer's call is received by a thread that blocks, and answered.
        var back = CallPair.AskAsync(theirs, "back");
        Assert.True(pair.Mine.WaitToReceive(Watchdog.Limit));
        Assert.True(pair.Mine.TryReceive(out var call));
        Assert.True(call.TryReply("answered"u8));
        Assert.Equal("answered", await back.WaitAsync(Watchdog.Limit));
        Assert.True(first.TryReply("12345"u8));
        Assert.Equal(5, await blocked.WaitAsync(Watchdog.Limit));
        Assert.False(pair.Mine.WaitToReceive(TimeSpan.Zero));
        Assert.False(pair.Mine.TryReceive(out _));
    }

    [Fact]
    [Rule("call.allocation")]
    public async Task Calls_that_block_allocate_nothing()
    {
        using var pair = await CallPair.OpenAsync();
        var (mine, theirs) = (pair.Mine, pair.Theirs);
        var serving = Task.Factory.StartNew(
            () =>
            {
                while (theirs.WaitToReceive(Watchdog.Limit) && theirs.TryReceive(out var call))
                {
                    using (call)
                    {
                        call.TryReply(call.Request.Span);
                    }
                }
            },
            TaskCreationOptions.LongRunning);
        Assert.Equal(0, Allocation.OfRounds(300, () => mine.Call("request"u8, timeout: Watchdog.Limit).Dispose()));
        mine.Dispose();
        await serving.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("call.allocation")]
    public async Task Calls_that_wait_without_a_thread_allocate_nothing()
    {
        using var pair = await CallPair.OpenAsync();
        var (mine, theirs) = (pair.Mine, pair.Theirs);
        using var stopping = new CancellationTokenSource();
        var request = "request"u8.ToArray();
        var token = stopping.Token;
        // One thread does all of both sides: nothing else runs that could be counted.
        Assert.Equal(0, Allocation.OfRounds(300, () =>
        {
            var calling = mine.CallAsync(request, TimeSpan.FromHours(1), 3, token);
            var waiting = theirs.WaitToReceiveAsync(token);
            Assert.True(waiting.IsCompletedSuccessfully && waiting.Result);
            Assert.True(theirs.TryReceive(out var call));
            call.TryReply(call.Request.Span);
            call.Dispose();
            SpinWait spin = default;
            while (!calling.IsCompleted)
            {
                spin.SpinOnce();
            }

            calling.GetAwaiter().GetResult().Dispose();
        }));
    }
}
