using System.Buffers;
using System.IO.Pipelines;

namespace Posix.SharedMemory.Channels.Tests.Connections;

/// <summary>Connections as pipes, by the rules of <see cref="PipeReader"/> and <see cref="PipeWriter"/>.</summary>
public sealed class Piping
{
    [Fact]
    [Rule("connection.pipe")]
    public async Task Bytes_are_read_as_they_were_written_however_they_are_consumed()
    {
        using var both = await Both.OpenAsync();
        IDuplexPipe one = both.Creator.AsPipe(), two = both.Receiver.AsPipe();
        var bytes = new byte[200_000];
        new Random(3).NextBytes(bytes);
        var sending = SendAsync();
        var random = new Random(4);
        var at = 0;
        while (true)
        {
            var result = await two.Input.ReadAsync().AsTask().WaitAsync(Watchdog.Limit);
            var buffer = result.Buffer;
            Assert.True(buffer.ToArray().AsSpan().SequenceEqual(bytes.AsSpan(at, (int)buffer.Length)));
            if (result.IsCompleted)
            {
                at += (int)buffer.Length;
                two.Input.AdvanceTo(buffer.End);
                break;
            }

            // All, nothing, or a part; and what is examined makes the next read wait, or not.
            var consumed = random.Next(3) switch { 0 => buffer.Length, 1 => 0, _ => random.NextInt64(buffer.Length + 1) };
            at += (int)consumed;
            two.Input.AdvanceTo(buffer.GetPosition(consumed), random.Next(2) == 0 ? buffer.End : buffer.GetPosition(consumed));
        }

        Assert.Equal(bytes.Length, at);
        await sending;

        async Task SendAsync()
        {
            var pieces = new Random(6);
            for (var sent = 0; sent < bytes.Length;)
            {
                var hint = pieces.Next(9000);
                var memory = one.Output.GetMemory(hint);
                Assert.True(memory.Length >= Math.Max(1, hint));
                var piece = Math.Min(Math.Min(hint, bytes.Length - sent), memory.Length);
                bytes.AsMemory(sent, piece).CopyTo(memory);
                one.Output.Advance(piece);
                sent += piece;
                if (pieces.Next(3) == 0)
                {
                    Assert.False((await one.Output.FlushAsync()).IsCompleted);
                    Assert.Equal(0, one.Output.UnflushedBytes);
                }
            }

            await one.Output.CompleteAsync();
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [Rule("connection.pipe")]
    public async Task Objects_before_the_bytes_are_passed_whether_they_were_received_or_not(int received)
    {
        using var both = await Both.OpenAsync();
        IDuplexPipe one = both.Creator.AsPipe(), two = both.Receiver.AsPipe();
        using var memory = SharedMemoryObject.CreateAnonymous(4096);
        for (var round = 0; round < 300; round++)
        {
            await both.Creator.SendObjectAsync(memory);
            await both.Creator.SendObjectAsync(memory);
            for (var i = 0; i < received; i++)
            {
                (await both.Receiver.ReceiveObjectAsync().AsTask().WaitAsync(Watchdog.Limit)).Dispose();
            }

            if (round % 2 == 0)
            {
                // Objects alone are not bytes.
                Assert.False(two.Input.TryRead(out _));
            }

            await one.Output.WriteAsync("x"u8.ToArray());
            var result = await two.Input.ReadAsync().AsTask().WaitAsync(Watchdog.Limit);
            Assert.Equal("x"u8, result.Buffer.ToArray());
            two.Input.AdvanceTo(result.Buffer.End);
            for (var i = received; i < 2; i++)
            {
                (await both.Receiver.ReceiveObjectAsync().AsTask().WaitAsync(Watchdog.Limit)).Dispose();
            }
        }
    }

    [Fact]
    [Rule("connection.pipe")]
    public async Task Completing_sends_what_is_left_also_after_a_flush_was_cancelled()
    {
        using var both = await Both.OpenAsync();
        IDuplexPipe one = both.Creator.AsPipe(), two = both.Receiver.AsPipe();
        one.Output.Write(new byte[50_000]);
        one.Output.CancelPendingFlush();
        var completing = one.Output.CompleteAsync().AsTask();
        var result = await two.Input.ReadAtLeastAsync(50_001).AsTask().WaitAsync(Watchdog.Limit);
        Assert.Equal((50_000L, true), (result.Buffer.Length, result.IsCompleted));
        two.Input.AdvanceTo(result.Buffer.End);
        await completing.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("connection.pipe")]
    public async Task Flushes_that_are_cancelled_in_the_middle_and_tried_again_send_each_byte_once()
    {
        using var both = await Both.OpenAsync();
        IDuplexPipe one = both.Creator.AsPipe(), two = both.Receiver.AsPipe();
        var bytes = new byte[30_000];
        new Random(5).NextBytes(bytes);
        var got = new List<byte>();
        for (var sent = 0; sent < bytes.Length; sent += 10_000)
        {
            one.Output.Write(bytes.AsSpan(sent, 10_000));
            for (var cancelled = 0; cancelled < 2; cancelled++)
            {
                // The ring takes less than half of it.
                var flushing = one.Output.FlushAsync().AsTask();
                one.Output.CancelPendingFlush();
                Assert.True((await flushing.WaitAsync(Watchdog.Limit)).IsCanceled);
                Take(await two.Input.ReadAsync().AsTask().WaitAsync(Watchdog.Limit));
            }

            var again = one.Output.FlushAsync().AsTask();
            while (got.Count < sent + 10_000)
            {
                Take(await two.Input.ReadAsync().AsTask().WaitAsync(Watchdog.Limit));
            }

            Assert.False((await again.WaitAsync(Watchdog.Limit)).IsCanceled);
        }

        Assert.Equal(bytes, got);

        void Take(ReadResult result)
        {
            got.AddRange(result.Buffer.ToArray());
            two.Input.AdvanceTo(result.Buffer.End);
        }
    }

    [Fact]
    [Rule("connection.pipe-end")]
    public async Task Completing_without_a_wait_tells_a_peer_that_does_not_read_that_bytes_are_missing()
    {
        using var both = await Both.OpenAsync();
        IDuplexPipe one = both.Creator.AsPipe(), two = both.Receiver.AsPipe();
        one.Output.Write(new byte[50_000]);
        one.Output.Complete();
        await Assert.ThrowsAsync<ChannelException>(async () =>
        {
            while (true)
            {
                var result = await two.Input.ReadAsync().AsTask().WaitAsync(Watchdog.Limit);
                Assert.False(result.IsCompleted);
                two.Input.AdvanceTo(result.Buffer.End);
            }
        });
    }

    [Fact]
    [Rule("connection.pipe")]
    public async Task A_frame_that_is_longer_than_the_ring_is_assembled()
    {
        using var both = await Both.OpenAsync();
        IDuplexPipe one = both.Creator.AsPipe(), two = both.Receiver.AsPipe();
        var writing = one.Output.WriteAsync(new byte[50_000]).AsTask();
        var result = await two.Input.ReadAtLeastAsync(50_000).AsTask().WaitAsync(Watchdog.Limit);
        Assert.Equal(50_000, result.Buffer.Length);
        two.Input.AdvanceTo(result.Buffer.End);
        await writing.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("connection.pipe")]
    public async Task Bytes_are_not_seen_before_they_are_flushed_and_completing_sends_them()
    {
        using var both = await Both.OpenAsync();
        IDuplexPipe one = both.Creator.AsPipe(), two = both.Receiver.AsPipe();
        "hello"u8.CopyTo(one.Output.GetSpan(5));
        one.Output.Advance(5);
        Assert.Equal((true, 5L), (one.Output.CanGetUnflushedBytes, one.Output.UnflushedBytes));
        Assert.False(two.Input.TryRead(out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => one.Output.Advance(1 << 20));
        one.Output.Complete();
        one.Output.Complete();
        Assert.Throws<InvalidOperationException>(() => one.Output.GetMemory());
        Assert.True(two.Input.TryRead(out var result));
        Assert.Equal("hello"u8, result.Buffer.ToArray());
        two.Input.AdvanceTo(result.Buffer.End);
        Assert.True(two.Input.TryRead(out result));
        Assert.Equal((true, true), (result.IsCompleted, result.Buffer.IsEmpty));
        two.Input.AdvanceTo(result.Buffer.End);
        // The other half goes on.
        await two.Output.WriteAsync("back"u8.ToArray());
        result = await one.Input.ReadAsync();
        Assert.Equal("back"u8, result.Buffer.ToArray());
        one.Input.AdvanceTo(result.Buffer.End);
        one.Input.Complete();
        Assert.True((await two.Output.WriteAsync(new byte[1])).IsCompleted);
        two.Input.Complete();
        two.Output.Complete();
        // Both halves were completed on both sides: the connections are closed.
        Assert.Throws<ObjectDisposedException>(() => both.Creator.GetStatus());
        Assert.Throws<ObjectDisposedException>(() => both.Receiver.GetStatus());
    }

    [Fact]
    [Rule("connection.pipe")]
    public async Task Pending_reads_and_flushes_can_be_cancelled()
    {
        using var both = await Both.OpenAsync();
        IDuplexPipe one = both.Creator.AsPipe(), two = both.Receiver.AsPipe();
        var reading = two.Input.ReadAsync().AsTask();
        two.Input.CancelPendingRead();
        var result = await reading.WaitAsync(Watchdog.Limit);
        Assert.Equal((true, false), (result.IsCanceled, result.IsCompleted));
        two.Input.AdvanceTo(result.Buffer.Start);
        two.Input.CancelPendingRead();
        Assert.True((result = await two.Input.ReadAsync()).IsCanceled);
        two.Input.AdvanceTo(result.Buffer.End);
        using var cancelling = new CancellationTokenSource();
        reading = two.Input.ReadAsync(cancelling.Token).AsTask();
        cancelling.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(Watchdog.Limit));
        var flushing = one.Output.WriteAsync(new byte[20_000]).AsTask();
        one.Output.CancelPendingFlush();
        Assert.True((await flushing.WaitAsync(Watchdog.Limit)).IsCanceled);
        flushing = one.Output.FlushAsync().AsTask();
        Assert.False(flushing.IsCompleted);
        var received = 0L;
        while (received < 20_000)
        {
            result = await two.Input.ReadAsync().AsTask().WaitAsync(Watchdog.Limit);
            Assert.Throws<InvalidOperationException>(() => { _ = two.Input.ReadAsync().IsCompleted; });
            received += result.Buffer.Length;
            two.Input.AdvanceTo(result.Buffer.End);
        }

        Assert.Equal(20_000, received);
        Assert.False((await flushing.WaitAsync(Watchdog.Limit)).IsCanceled);
        Assert.Throws<InvalidOperationException>(() => two.Input.AdvanceTo(default));
    }

    [Fact]
    [Rule("connection.pipe-end")]
    public async Task An_error_that_a_writer_completes_with_and_a_peer_that_leaves_are_exceptions()
    {
        using (var both = await Both.OpenAsync())
        {
            IDuplexPipe one = both.Creator.AsPipe(), two = both.Receiver.AsPipe();
            await one.Output.WriteAsync(new byte[3]);
            one.Output.Complete(new InvalidDataException("bad"));
            var result = await two.Input.ReadAsync();
            Assert.Equal(3, result.Buffer.Length);
            two.Input.AdvanceTo(result.Buffer.End);
            Assert.NotEqual(0, (await Assert.ThrowsAsync<ChannelException>(() => two.Input.ReadAsync().AsTask())).Error);
        }

        using (var both = await Both.OpenAsync())
        {
            var two = both.Receiver.AsPipe();
            var reading = two.Input.ReadAsync().AsTask();
            both.Creator.Dispose();
            await Assert.ThrowsAsync<PeerLeftException>(() => reading.WaitAsync(Watchdog.Limit));
            Assert.True((await two.Output.WriteAsync(new byte[3])).IsCompleted);
        }
    }

    [Fact]
    [Rule("connection.pipe")]
    public async Task A_stream_on_one_side_and_a_pipe_on_the_other_understand_each_other()
    {
        using var both = await Both.OpenAsync();
        await using var stream = both.Creator.AsStream();
        var pipe = both.Receiver.AsPipe();
        using var sent = SharedMemoryObject.CreateAnonymous(4096);
        await both.Creator.SendObjectAsync(sent);
        stream.Write("one"u8);
        var result = await pipe.Input.ReadAsync();
        Assert.Equal("one"u8, result.Buffer.ToArray());
        pipe.Input.AdvanceTo(result.Buffer.End);
        await pipe.Output.WriteAsync("two"u8.ToArray());
        var bytes = new byte[3];
        await stream.ReadExactlyAsync(bytes);
        Assert.Equal("two"u8, bytes);
    }
}
