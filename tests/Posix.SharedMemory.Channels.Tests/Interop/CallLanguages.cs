namespace Posix.SharedMemory.Channels.Tests.Interop;

/// <summary>C (glibc and musl) and Python call C#, and answer its calls, through psm_calls.h and psm_calls.py.</summary>
public sealed class CallLanguages
{
    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("musl-gcc")]
    [InlineData("python")]
    [Rule("call.languages")]
    public async Task Another_language_answers_calls(string language)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var listener = new MessageListener(directory.File("sock"), new() { Capacity = 4096 });
        using var peer = Start(language, directory, "serve");
        await using (var calls = (await listener.AcceptAsync().AsTask().WaitAsync(Watchdog.Limit)).AsCalls())
        {
            Assert.Equal("open", peer.ReadLine());
            using var cancelling = new CancellationTokenSource();
            var given = Calls.CallPair.AskAsync(calls, "never", type: 9, cancelling.Token);
            var asked = Enumerable.Range(0, 100).Select(number => new string((char)('a' + (number % 26)), number * 7919 % 1900) + "!").ToList();
            var answers = await Task.WhenAll(asked.Select(request => Calls.CallPair.AskAsync(calls, request))).WaitAsync(Watchdog.Limit);
            Assert.Equal(asked.Select(request => "!" + request[..^1]), answers);
            var failure = await Assert.ThrowsAsync<CallFailedException>(() => Calls.CallPair.AskAsync(calls, "x", type: 7));
            Assert.Equal((7, true), (failure.Error, failure.Message.Contains("refused", StringComparison.Ordinal)));
            cancelling.Cancel();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given.WaitAsync(Watchdog.Limit));
            Assert.Equal("b!", await Calls.CallPair.AskAsync(calls, "!b").WaitAsync(Watchdog.Limit));
            Assert.Equal("cancelled", peer.ReadLine());
        }

        // Disposing has completed the output.
        Assert.Equal("ended 0", peer.ReadLine());
        Assert.Equal("closed", peer.ReadLine());
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("musl-gcc")]
    [InlineData("python")]
    [Rule("call.languages")]
    public async Task Another_language_calls(string language)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var listener = new MessageListener(directory.File("sock"), new() { Capacity = 4096 });
        using var peer = Start(language, directory, "call");
        await using var calls = (await listener.AcceptAsync().AsTask().WaitAsync(Watchdog.Limit)).AsCalls();
        Assert.Equal("open", peer.ReadLine());
        var serving = calls.ServeAsync(async call =>
        {
            switch (call.Type)
            {
                case 7:
                    call.Fail(7, "refused");
                    break;
                case 9:
                    await Task.Delay(Timeout.Infinite, call.CancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);
                    break;
                default:
                    var reply = call.Request.ToArray();
                    Array.Reverse(reply);
                    await call.ReplyAsync(reply);
                    break;
            }
        });
        // Until then no thread of the pool is blocked, which the handlers may need.
        await serving.WaitAsync(Watchdog.Limit);
        Assert.Equal(["failed 7 refused", "late", "called 300", "closed"], [peer.ReadLine(), peer.ReadLine(), peer.ReadLine(), peer.ReadLine()]);
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("python")]
    [Rule("call.languages")]
    [Rule("call.deadline")]
    [Rule("call.hostile")]
    public async Task Another_language_ends_its_calls_in_time_and_refuses_what_no_correct_peer_sends(string language)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var listener = new MessageListener(directory.File("sock"), new() { Capacity = 4096 });
        using var peer = Start(language, directory, "refuse");
        using var connection = await listener.AcceptAsync().AsTask().WaitAsync(Watchdog.Limit);
        Assert.Equal("open", peer.ReadLine());
        var ring = connection.Output.Ring;
        Assert.True(TryPut(ring, ChannelLayout.CallType, new(1, 0)));
        // Cancellations of its call, as many as it reads, do not keep it longer than it waits.
        using (var late = new CancellationTokenSource())
        {
            var sending = Task.Factory.StartNew(
                () =>
                {
                    while (!late.IsCancellationRequested)
                    {
                        TryPut(ring, ChannelLayout.CancelType, new(1, 0));
                    }
                },
                TaskCreationOptions.LongRunning);
            try
            {
                Assert.Equal("late", peer.ReadLine());
            }
            finally
            {
                late.Cancel();
            }

            await sending.WaitAsync(Watchdog.Limit);
        }

        // The locks by which it has its ends, and an answer to a call that there never was.
        var channel = ring.Endpoint.Channel;
        foreach (var end in (int[])[1, 2])
        {
            Volatile.Write(ref channel.ControlHold.GetReference<uint>(EndpointView.OffsetOf(channel, end)), 0);
        }

        Watchdog.Until(() => TryPut(ring, ChannelLayout.AnswerType, new(77, 5)), "room for an answer");
        Assert.Equal(["refused", "refused", "closed"], [peer.ReadLine(), peer.ReadLine(), peer.ReadLine()]);
    }

    /// <summary>Stores a record as a hostile peer may.</summary>
    private static bool TryPut(RingWriter ring, ushort type, CallHeader header)
    {
        if (!ring.TryReserve(ChannelLayout.CallHeaderSize, out var place, out var ticket))
        {
            return false;
        }

        header.Write(ring.RoomAt(place, ChannelLayout.CallHeaderSize));
        ring.Commit(ChannelLayout.CallHeaderSize, type);
        ring.Return(ticket);
        return true;
    }

    private static Peer Start(string language, TemporaryDirectory directory, string role) =>
        Languages.StartAt(language, directory, "call_partner", directory.File("sock"), 0, role, 0, 0);
}
