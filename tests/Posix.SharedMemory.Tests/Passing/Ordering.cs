using System.Buffers.Binary;
using System.Net.Sockets;

namespace Posix.SharedMemory.Tests.Passing;

/// <summary>Several sends on one socket at the same time.</summary>
public sealed class Ordering
{
    public static TheoryData<SocketType> Types => Sending.Types;

    [Theory]
    [MemberData(nameof(Types))]
    [Rule("pass.order")]
    public async Task Waiting_sends_go_out_in_the_order_of_their_calls(SocketType type)
    {
        const int Sends = 200;
        using var pair = new SocketPair(type);
        using var one = new Tracked();
        // Messages of one size, so that none fits where another does not.
        var filled = pair.Fill(4) / 4;
        var sendings = new List<Task>();
        for (var number = 0; number < Sends; number++)
        {
            // In between somebody takes something out, so that there is room when the next one comes.
            if (number % 20 == 19)
            {
                filled -= await TakeOne(pair.Receiver) == -1 ? 1 : 0;
            }

            var data = new byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(data, number + 1);
            sendings.Add(number % 3 == 0 ? pair.Sender.SendHandlesAsync(data, []).AsTask() : pair.Sender.SendHandlesAsync(data, [one.Handle]).AsTask());
        }

        Assert.Contains(sendings, sending => !sending.IsCompleted);
        var expected = 1;
        while (expected <= Sends)
        {
            var number = await TakeOne(pair.Receiver);
            if (number > 0)
            {
                Assert.Equal(expected++, number);
            }
        }

        await Task.WhenAll(sendings).WaitAsync(Watchdog.Limit);
        Assert.Equal(1, one.Descriptors);
    }

    [Fact]
    [Rule("pass.order")]
    [Rule("pass.whole")]
    public async Task Bytes_that_a_stream_takes_in_parts_are_not_mixed_with_those_of_the_next_send()
    {
        const int Sends = 8, Bytes = 700_000;
        using var pair = new SocketPair();
        using var one = new Tracked();
        var sendings = new List<Task>();
        for (var number = 1; number <= Sends; number++)
        {
            sendings.Add(pair.Sender.SendHandlesAsync(Enumerable.Repeat((byte)number, Bytes).ToArray(), [one.Handle]).AsTask());
        }

        sendings.Add(pair.Sender.SendObjectAsync(one.Memory).AsTask());
        var buffer = new byte[1 << 16];
        var handles = 0;
        for (long done = 0; done < (long)Sends * Bytes;)
        {
            var most = (int)Math.Min(buffer.Length, ((long)Sends * Bytes) - done);
            using var part = await pair.Receiver.ReceiveHandlesAsync(buffer.AsMemory(0, most), 1).AsTask().WaitAsync(Watchdog.Limit);
            handles += part.Handles.Count;
            for (var at = 0; at < part.BytesReceived; at++, done++)
            {
                Assert.True(buffer[at] == (done / Bytes) + 1, $"Byte {done} is of send {buffer[at]}.");
            }
        }

        Assert.Equal(Sends, handles);
        using var memory = await pair.Receiver.ReceiveObjectAsync().AsTask().WaitAsync(Watchdog.Limit);
        await Task.WhenAll(sendings).WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("pass.order")]
    public async Task A_send_that_is_cancelled_in_the_queue_does_not_hold_up_later_ones()
    {
        using var pair = new SocketPair(SocketType.Seqpacket);
        _ = pair.Fill();
        using var cancelling = new CancellationTokenSource();
        var first = pair.Sender.SendHandlesAsync(new byte[] { 1 }, []).AsTask();
        var second = pair.Sender.SendHandlesAsync(new byte[] { 2 }, [], cancelling.Token).AsTask();
        var third = pair.Sender.SendHandlesAsync(new byte[] { 3 }, []).AsTask();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second.WaitAsync(Watchdog.Limit));
        pair.Drain();
        await first.WaitAsync(Watchdog.Limit);
        await third.WaitAsync(Watchdog.Limit);
    }

    /// <summary>The number of the next message; −1 for one that only filled the socket.</summary>
    private static async Task<int> TakeOne(Socket receiver)
    {
        var data = new byte[4];
        for (var done = 0; done < data.Length;)
        {
            using var result = await receiver.ReceiveHandlesAsync(data.AsMemory(done), 1).AsTask().WaitAsync(Watchdog.Limit);
            done += result.BytesReceived;
        }

        var number = BinaryPrimitives.ReadInt32LittleEndian(data);
        return number == 0 ? -1 : number;
    }
}
