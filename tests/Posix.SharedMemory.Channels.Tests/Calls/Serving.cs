using System.Text;

namespace Posix.SharedMemory.Channels.Tests.Calls;

/// <summary>A handler that answers the calls of the peer.</summary>
public sealed class Serving
{
    [Fact]
    [Rule("call.serve")]
    public async Task Handlers_run_beside_each_other_and_serving_ends_after_the_last_of_them()
    {
        using var pair = await CallPair.OpenAsync();
        var gate = new TaskCompletionSource();
        var ended = 0;
        var serving = pair.Theirs.ServeAsync(async call =>
        {
            if (call.Type == 1)
            {
                await gate.Task;
            }

            await call.ReplyAsync(call.Request);
            Interlocked.Increment(ref ended);
        });
        var slow = CallPair.AskAsync(pair.Mine, "slow", 1);
        Assert.Equal("fast", await CallPair.AskAsync(pair.Mine, "fast").WaitAsync(Watchdog.Limit));
        Assert.False(slow.IsCompleted);
        pair.Mine.Connection.Output.Complete();
        gate.SetResult();
        Assert.Equal("slow", await slow.WaitAsync(Watchdog.Limit));
        await serving.WaitAsync(Watchdog.Limit);
        Assert.Equal(2, ended);
        Assert.False(await pair.Theirs.WaitToReceiveAsync());
        Assert.False(pair.Theirs.WaitToReceive(Watchdog.Limit));
    }

    [Fact]
    [Rule("call.serve")]
    [Rule("call.fail")]
    public async Task Whatever_a_handler_throws_is_its_callers_error()
    {
        using var pair = await CallPair.OpenAsync();
        var serving = pair.Theirs.ServeAsync(async call =>
        {
            switch (Encoding.UTF8.GetString(call.Request.Span))
            {
                case "fail":
                    throw new CallFailedException(12, "not today");
                case "throw":
                    throw new FormatException("a secret");
                case "silent":
                    return;
                case "answer and throw":
                    call.TryReply("answered"u8);
                    throw new FormatException("too late");
                default:
                    await call.ReplyAsync(call.Request);
                    return;
            }
        });
        foreach (var (request, error, message) in ((string, int, string)[])[("fail", 12, "not today"), ("throw", -1, "The handler of the call threw an exception."), ("silent", -1, "The call was not answered.")])
        {
            var failed = await Assert.ThrowsAsync<CallFailedException>(() => CallPair.AskAsync(pair.Mine, request).WaitAsync(Watchdog.Limit));
            Assert.Equal((error, message), (failed.Error, failed.Message));
        }

        Assert.Equal("answered", await CallPair.AskAsync(pair.Mine, "answer and throw").WaitAsync(Watchdog.Limit));
        Assert.Equal("goes on", await CallPair.AskAsync(pair.Mine, "goes on").WaitAsync(Watchdog.Limit));
        pair.Mine.Dispose();
        var thrown = await Assert.ThrowsAsync<AggregateException>(() => serving.WaitAsync(Watchdog.Limit));
        Assert.Equal("a secret", Assert.IsType<FormatException>(Assert.Single(thrown.InnerExceptions)).Message);
    }

    [Fact]
    [Rule("call.serve")]
    [Rule("call.cancel")]
    public async Task A_token_ends_serving_and_a_handler_sees_that_its_call_was_cancelled()
    {
        using var pair = await CallPair.OpenAsync();
        using CancellationTokenSource stopping = new(), cancelling = new();
        var reached = new TaskCompletionSource();
        var serving = pair.Theirs.ServeAsync(
            async call =>
            {
                reached.SetResult();
                await Task.Delay(Timeout.Infinite, call.CancellationToken);
            },
            stopping.Token);
        var asking = CallPair.AskAsync(pair.Mine, "x", cancellationToken: cancelling.Token);
        await reached.Task.WaitAsync(Watchdog.Limit);
        stopping.Cancel();
        cancelling.Cancel();
        await Assert.ThrowsAsync<OperationCanceledException>(() => asking.WaitAsync(Watchdog.Limit));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving.WaitAsync(Watchdog.Limit));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pair.Theirs.WaitToReceiveAsync(stopping.Token).AsTask());
        // The wait that was cancelled lost nothing.
        var next = CallPair.AskAsync(pair.Mine, "y");
        Assert.True((await CallPair.ReceiveAsync(pair.Theirs)).TryReply("z"u8));
        Assert.Equal("z", await next.WaitAsync(Watchdog.Limit));
    }

    [Fact]
    [Rule("call.serve")]
    public async Task Calls_are_waited_for_once_at_a_time()
    {
        using var pair = await CallPair.OpenAsync();
        var waiting = pair.Mine.WaitToReceiveAsync().AsTask();
        Assert.Throws<InvalidOperationException>(() => pair.Mine.WaitToReceive(Watchdog.Limit));
        await Assert.ThrowsAsync<InvalidOperationException>(() => pair.Mine.WaitToReceiveAsync().AsTask().WaitAsync(Watchdog.Limit));
        var asking = CallPair.AskAsync(pair.Theirs, "x");
        Assert.True(await waiting.WaitAsync(Watchdog.Limit));
        Assert.True((await CallPair.ReceiveAsync(pair.Mine)).TryReply("y"u8));
        Assert.Equal("y", await asking.WaitAsync(Watchdog.Limit));
    }

    [Fact]
    [Rule("call.hostile")]
    public async Task Objects_travel_beside_calls()
    {
        using var pair = await CallPair.OpenAsync();
        using var memory = SharedMemoryObject.CreateAnonymous(8192);
        await pair.Raw.SendObjectAsync(memory);
        var asking = CallPair.AskAsync(pair.Theirs, "an object has come");
        Assert.True((await CallPair.ReceiveAsync(pair.Mine)).TryReply("thanks"u8));
        Assert.Equal("thanks", await asking.WaitAsync(Watchdog.Limit));
        using var received = await pair.Mine.Connection.ReceiveObjectAsync();
        Assert.Equal(8192, received.Length);
    }
}
