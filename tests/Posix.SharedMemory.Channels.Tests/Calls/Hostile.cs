using System.Buffers.Binary;
using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Calls;

/// <summary>A peer that stores what no correct one stores.</summary>
public sealed class Hostile
{
    private const ushort Call = 0xFF01, Cancel = 0xFF02, Answer = 0xFF04;

    public static TheoryData<string, string> Faults => new()
    {
        { "message", "not one of calls" },
        { "short", "not one of calls" },
        { "number", "has the number 2, and not 1" },
        { "reserved", "has the type 0xFF00, which is reserved" },
        { "place", "has the place 256" },
        { "taken", "has the place 0, which call 1 has" },
        { "bytes", "one too many" },
        { "cancel", "cancels call 1" },
        { "cancel place", "cancels call 1" },
        { "answer", "answers call 2" },
        { "answer place", "answers call 1 in place 1" },
        { "answer far", "answers call 1 in place 65535" },
        { "answer nothing", "answers call 0" },
        { "twice", "answers call 1" },
        { "outcome", "with outcome 3" },
        { "not cancelled", "with outcome 2" },
        { "flags", "has the header" },
        { "type", "has the header" },
        { "long", "has the header" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    [Rule("call.hostile")]
    public async Task Such_a_record_ends_all_calls_as_corrupt(string fault, string expected)
    {
        using var pair = await CallPair.OpenAsync();
        var pending = CallPair.AskAsync(pair.Mine, "x");
        var waiting = pair.Mine.WaitToReceiveAsync().AsTask();
        Act(pair, fault);
        if (fault is "twice")
        {
            // Whether the answer is read before the second one is seen is not known.
            await Task.WhenAny(pending, waiting).WaitAsync(Watchdog.Limit);
        }
        else
        {
            Assert.Contains(expected, await MessageOfAsync(pending), StringComparison.Ordinal);
        }

        Watchdog.Until(() => !IsGoingOn(pair.Mine), "the calls to end");
        if (fault is not ("taken" or "cancel place" or "bytes"))
        {
            Assert.Contains(expected, await MessageOfAsync(waiting), StringComparison.Ordinal);
        }

        Assert.Throws<ChannelCorruptException>(() => pair.Mine.Call(default));
        Assert.Throws<ChannelCorruptException>(() => pair.Mine.TryReceive(out _));
        await Assert.ThrowsAsync<ChannelCorruptException>(() => pair.Mine.WaitToReceiveAsync().AsTask());
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [Rule("call.hostile")]
    public async Task A_thread_that_is_blocked_for_what_comes_ends_with_what_another_thread_finds(bool isCall, bool hasState)
    {
        using var pair = await CallPair.OpenAsync();
        var calls = new List<IncomingCall>();
        for (ushort place = 0; place < 3; place++)
        {
            pair.Send(Call, place + 1UL, place);
            calls.Add(await CallPair.ReceiveAsync(pair.Mine));
        }

        var blocked = Task.Factory.StartNew(() => isCall ? pair.Mine.Call(default).Span.Length : pair.Mine.WaitToReceive(Timeout.InfiniteTimeSpan) ? 1 : 0, TaskCreationOptions.LongRunning);
        Watchdog.Until(() => pair.Both.U64(1408 + ChannelLayout.WaitsInLine) != 0, "the thread to wait");
        // What the peer says of its reading: it takes no more, or is past what was written. It is looked at where the ring seems to be full.
        Volatile.Write(ref pair.Both.U64(hasState ? 384 + ChannelLayout.StateInLine : 384), hasState ? 1UL : ulong.MaxValue / 2);
        var replying = calls.Select(call => Task.Run(() => call.ReplyAsync(new byte[1500]).AsTask())).ToArray();
        await Assert.ThrowsAnyAsync<ChannelException>(() => Task.WhenAll(replying).WaitAsync(Watchdog.Limit));
        var ended = await Assert.ThrowsAnyAsync<ChannelException>(() => blocked.WaitAsync(Watchdog.Limit));
        Assert.Equal(!hasState, ended is ChannelCorruptException);
        Assert.IsType(ended.GetType(), await Record.ExceptionAsync(() => pair.Mine.CallAsync(default).AsTask()));
    }

    [Fact]
    [Rule("call.hostile")]
    public async Task A_call_that_finds_the_ring_corrupt_while_it_is_sent_ends_with_that_and_so_do_all_others()
    {
        foreach (var blocks in (bool[])[false, true])
        {
            using var pair = await CallPair.OpenAsync();
            var earlier = CallPair.AskAsync(pair.Mine, new('x', 1500));
            Volatile.Write(ref pair.Both.U64(384), ulong.MaxValue / 2);
            // Answers have no credit: they fill the ring, up to what only a look at the peer's place can tell.
            pair.Send(Call, 1, 0);
            Assert.True((await CallPair.ReceiveAsync(pair.Mine)).TryReply(new byte[1400]));
            var asking = Task.Run(async () =>
            {
                if (blocks)
                {
                    pair.Mine.Call(new byte[1400], timeout: Watchdog.Limit).Dispose();
                }
                else
                {
                    (await pair.Mine.CallAsync(new byte[1400])).Dispose();
                }
            });
            await Assert.ThrowsAsync<ChannelCorruptException>(() => asking.WaitAsync(Watchdog.Limit));
            await Assert.ThrowsAsync<ChannelCorruptException>(() => earlier.WaitAsync(Watchdog.Limit));
            await Assert.ThrowsAsync<ChannelCorruptException>(() => pair.Mine.WaitToReceiveAsync().AsTask());
        }
    }

    [Fact]
    [Rule("call.hostile")]
    [Rule("call.fail")]
    public async Task The_text_of_a_failure_that_the_peer_changes_while_it_is_decoded_is_some_text()
    {
        using var pair = await CallPair.OpenAsync();
        var (data, ring) = ((long)pair.Both.U64(40) + (long)pair.Both.U64(48), (long)pair.Both.U64(48));
        using var stopping = new CancellationTokenSource();
        // One character of two bytes, or two of one: a text that was measured with one and is decoded with the other has no room.
        var changing = Task.Factory.StartNew(
            () =>
            {
                for (var round = 0; !stopping.IsCancellationRequested; round++)
                {
                    for (long at = 0; at < ring; at += 512)
                    {
                        // In the middle of the text of each record, and nowhere else.
                        Volatile.Write(ref pair.Both.U64(data + at + 256), round % 2 == 0 ? 0xA9C3_A9C3_A9C3_A9C3 : 0x6161_6161_6161_6161);
                    }
                }
            },
            TaskCreationOptions.LongRunning);
        try
        {
            // As many as the ring has room for, which nobody reads at the other side.
            for (var number = 1UL; number <= 150; number++)
            {
                var asking = CallPair.AskAsync(pair.Mine, "");
                // 512 bytes with the headers: each record begins at a multiple of that.
                var record = new byte[504];
                record.AsSpan(16).Fill((byte)'a');
                BinaryPrimitives.WriteUInt64LittleEndian(record, number);
                BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(10), 1);
                pair.Send(Answer, record);
                var failed = await Assert.ThrowsAsync<CallFailedException>(() => asking.WaitAsync(Watchdog.Limit));
                Assert.InRange(failed.Message.Length, 484, 488);
            }
        }
        finally
        {
            stopping.Cancel();
            await changing.WaitAsync(Watchdog.Limit);
        }
    }

    [Fact]
    [Rule("call.hostile")]
    public async Task A_cancellation_that_crosses_its_answer_means_nothing()
    {
        using var pair = await CallPair.OpenAsync();
        pair.Send(Call, 1, 5);
        Assert.True((await CallPair.ReceiveAsync(pair.Mine)).TryReply("x"u8));
        for (var i = 0; i < 10; i++)
        {
            pair.Send(Cancel, 1, 5);
        }

        pair.Send(Call, 2, 5);
        var call = await CallPair.ReceiveAsync(pair.Mine);
        Assert.False(call.IsCancelled);
        Assert.True(call.TryReply("y"u8));
    }

    [Fact]
    [Rule("call.hostile")]
    [Rule("call.deadline")]
    public async Task A_peer_that_sends_what_nobody_waits_for_without_a_pause_keeps_no_thread_past_its_timeout()
    {
        using var pair = await CallPair.OpenAsync();
        pair.Send(Call, 1, 0);
        Assert.True((await CallPair.ReceiveAsync(pair.Mine)).TryReply(default));
        using var stopping = new CancellationTokenSource();
        var flooding = Task.Factory.StartNew(
            () =>
            {
                var ring = pair.Raw.Output.Ring;
                while (!stopping.IsCancellationRequested)
                {
                    if (ring.TryReserve(16, out var place, out _))
                    {
                        new CallHeader(1, 0).Write(ring.RoomAt(place, 16));
                        ring.Commit(16, Cancel);
                    }
                }
            },
            TaskCreationOptions.LongRunning);
        Assert.False(pair.Mine.WaitToReceive(TimeSpan.FromMilliseconds(20)));
        Assert.Throws<TimeoutException>(() => pair.Mine.Call(default, timeout: TimeSpan.FromMilliseconds(20)));
        await Assert.ThrowsAsync<TimeoutException>(() => pair.Mine.CallAsync(default, TimeSpan.FromMilliseconds(20)).AsTask().WaitAsync(Watchdog.Limit));
        stopping.Cancel();
        await flooding.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("call.hostile")]
    public async Task Whatever_is_stored_calls_end_or_go_on()
    {
        var seed = Environment.GetEnvironmentVariable("SHM_MODEL_SEED") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : Random.Shared.Next();
        var random = new Random(seed);
        for (var round = 0; round < 40; round++)
        {
            using var pair = await CallPair.OpenAsync();
            try
            {
                Use(pair, random);
            }
#pragma warning disable CA1031 // Whatever it is, the seed makes it come again.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Assert.Fail($"SHM_MODEL_SEED={seed}, round {round}: {e}");
            }
        }
    }

    private static void Use(CallPair pair, Random random)
    {
        var data = (long)pair.Both.U64(40);
        long[] places = [256, 384, 512, 640, 1280, 1408, 1536, 1664];
        try
        {
            for (var step = 0; step < 60; step++)
            {
                var (mine, theirs) = (pair.Mine.CallAsync(new byte[random.Next(200)]), pair.Theirs.CallAsync(new byte[random.Next(200)]));
                ref var word = ref pair.Both.U64(random.Next(4) == 0 ? places[random.Next(places.Length)] : data + (random.Next(1024) * 8L));
                word = random.Next(4) switch
                {
                    0 => word ^ (1UL << random.Next(64)),
                    1 => word + (ulong)(random.Next(9) * 8),
                    2 => (ulong)random.NextInt64(),
                    _ => 24 | ((0xFF00UL + (ulong)random.Next(5)) << 32),
                };
                foreach (var side in (MessageCalls[])[pair.Mine, pair.Theirs])
                {
                    while (side.TryReceive(out var call))
                    {
                        call.TryReply(call.Request.Span);
                    }
                }
            }
        }
        catch (Exception e) when (e is ChannelException or InvalidOperationException)
        {
            // Bytes that a peer may store. All that was under way ends with it, or with the end of the pair.
        }
    }

    private static void Act(CallPair pair, string fault)
    {
        if (fault is "bytes")
        {
            Fill(pair);
            return;
        }

        (ushort Type, ulong Number, ushort Place, ushort Word)[] records = fault switch
        {
            "number" => [(Call, 2, 0, 0)],
            "reserved" => [(Call, 1, 0, 0xFF00)],
            "place" => [(Call, 1, 256, 0)],
            "taken" => [(Call, 1, 0, 0), (Call, 2, 0, 0)],
            "cancel" => [(Cancel, 1, 0, 0)],
            "cancel place" => [(Call, 1, 0, 0), (Cancel, 1, 256, 0)],
            "answer" => [(Answer, 2, 0, 0)],
            "answer place" => [(Answer, 1, 1, 0)],
            "answer far" => [(Answer, 1, 65535, 0)],
            "answer nothing" => [(Answer, 0, 0, 0)],
            "twice" => [(Answer, 1, 0, 0), (Answer, 1, 0, 0)],
            "outcome" => [(Answer, 1, 0, 3)],
            "not cancelled" => [(Answer, 1, 0, 2)],
            "message" => [(7, 1, 0, 0)],
            _ => [],
        };
        foreach (var (type, number, place, word) in records)
        {
            pair.Send(type, number, place, word);
        }

        if (fault is "short")
        {
            pair.Send(Answer, new byte[15]);
        }
        else if (records.Length == 0)
        {
            pair.SendHeader(fault switch
            {
                "flags" => 16 | ((ulong)Call << 32) | (1UL << 48),
                "type" => 16 | (0xFF03UL << 32),
                _ => 4000 | ((ulong)Call << 32),
            });
        }
    }

    /// <summary>So many bytes of calls that a correct peer would wait.</summary>
    private static void Fill(CallPair pair)
    {
        for (ushort i = 0; i < 3; i++)
        {
            pair.Send(Call, i + 1UL, i, length: 1000);
        }

        // They were read, and not answered: their room in the ring is free, and that of the peer's credit is not.
        for (var i = 0; i < 3; i++)
        {
            Watchdog.Until(() => pair.Mine.TryReceive(out _), "the calls to be received");
        }

        pair.Send(Call, 4, 3, length: 900);
        pair.Send(Call, 5, 4, length: 300);
    }

    private static bool IsGoingOn(MessageCalls calls)
    {
        try
        {
            calls.TryReceive(out _);
            return true;
        }
        catch (ChannelCorruptException)
        {
            return false;
        }
    }

    private static async Task<string> MessageOfAsync(Task task) => (await Assert.ThrowsAsync<ChannelCorruptException>(() => task.WaitAsync(Watchdog.Limit))).ToString();
}
