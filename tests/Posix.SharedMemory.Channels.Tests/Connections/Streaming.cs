using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Connections;

/// <summary>Connections as streams of bytes, by the rules of .NET's streams.</summary>
public sealed class Streaming
{
    [Fact]
    [Rule("connection.stream")]
    public async Task Bytes_go_both_ways_in_pieces_of_any_size_at_the_same_time()
    {
        using var both = await Both.OpenAsync();
        await using Stream one = both.Creator.AsStream(), two = both.Receiver.AsStream();
        var random = new Random(5);
        var bytes = new byte[300_000];
        random.NextBytes(bytes);
        await Task.WhenAll(SendAsync(one, 1), SendAsync(two, 2), ReceiveAsync(one, 3), ReceiveAsync(two, 4)).WaitAsync(Watchdog.Limit);

        async Task SendAsync(Stream stream, int seed)
        {
            var pieces = new Random(seed);
            for (var sent = 0; sent < bytes.Length;)
            {
                var piece = Math.Min(pieces.Next(9000), bytes.Length - sent);
                await stream.WriteAsync(bytes.AsMemory(sent, piece));
                sent += piece;
            }
        }

        async Task ReceiveAsync(Stream stream, int seed)
        {
            var pieces = new Random(seed);
            var received = new byte[bytes.Length];
            for (var at = 0; at < received.Length;)
            {
                at += await stream.ReadAsync(received.AsMemory(at, Math.Min(1 + pieces.Next(5000), received.Length - at)));
            }

            Assert.Equal(bytes, received);
        }
    }

    [Fact]
    [Rule("connection.stream")]
    public async Task Every_way_to_read_and_write_moves_the_same_bytes()
    {
        using var both = await Both.OpenAsync();
        await using Stream one = both.Creator.AsStream(), two = both.Receiver.AsStream();
        one.Write([1, 2], 0, 2);
        one.Write([0, 3, 4, 0], 1, 2);
        one.WriteByte(5);
#pragma warning disable CA1835 // The older overloads are what is tested.
        await one.WriteAsync(new byte[] { 6, 7 }, 0, 2);
#pragma warning restore CA1835
        await one.WriteAsync(new byte[] { 8 });
        one.EndWrite(one.BeginWrite([9, 10], 0, 2, null, null));
        one.Write([]);
        await one.FlushAsync();
        one.Flush();
        var got = new byte[10];
        Assert.Equal(1, two.ReadByte());
        Assert.Equal(1, two.Read(got, 1, 1));
        Assert.Equal(2, two.Read(got.AsSpan(2)));
#pragma warning disable CA1835 // As above.
        Assert.Equal(1, await two.ReadAsync(got, 4, 6));
#pragma warning restore CA1835
        Assert.Equal(2, await two.ReadAsync(got.AsMemory(5)));
        Assert.Equal(1, two.EndRead(two.BeginRead(got, 7, 3, null, null)));
        await two.ReadExactlyAsync(got.AsMemory(8));
        got[0] = 1;
        Assert.Equal(Enumerable.Range(1, 10).Select(value => (byte)value), got);
    }

    [Fact]
    [Rule("connection.stream")]
    public async Task A_read_of_no_bytes_waits_until_there_are_some_and_takes_none()
    {
        using var both = await Both.OpenAsync();
        await using Stream one = both.Creator.AsStream(), two = both.Receiver.AsStream();
        var waiting = two.ReadAsync(Memory<byte>.Empty).AsTask();
        Assert.False(waiting.IsCompleted);
        one.Write([7]);
        Assert.Equal(0, await waiting.WaitAsync(Watchdog.Limit));
        Assert.Equal(0, await two.ReadAsync(Memory<byte>.Empty));
        Assert.Equal(0, two.Read([]));
        Assert.Equal(7, two.ReadByte());
    }

    [Fact]
    [Rule("connection.stream")]
    public async Task A_cancelled_read_or_write_takes_and_sends_nothing_and_the_stream_goes_on()
    {
        using var both = await Both.OpenAsync();
        await using Stream one = both.Creator.AsStream(), two = both.Receiver.AsStream();
        using var cancelling = new CancellationTokenSource();
        var reading = two.ReadAsync(new byte[1], cancelling.Token).AsTask();
        cancelling.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(Watchdog.Limit));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => two.ReadAsync(new byte[1], cancelling.Token).AsTask());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one.WriteAsync(new byte[1], cancelling.Token).AsTask());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one.FlushAsync(cancelling.Token));
        one.Write([1]);
        Assert.Equal(1, two.ReadByte());
        while (both.Creator.Output.TryWrite(new byte[500]))
        {
        }

        using var again = new CancellationTokenSource();
        var writing = one.WriteAsync(new byte[500], again.Token).AsTask();
        again.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing.WaitAsync(Watchdog.Limit));
        two.ReadExactly(new byte[500]);
        one.Write([9]);
    }

    [Fact]
    [Rule("connection.stream")]
    public async Task Arguments_are_checked_and_a_disposed_stream_refuses_everything()
    {
        using var both = await Both.OpenAsync();
        var stream = both.Creator.AsStream();
        Assert.Equal((true, true, false, false), (stream.CanRead, stream.CanWrite, stream.CanSeek, stream.CanTimeout));
        Assert.Throws<ArgumentNullException>(() => stream.Read(null!, 0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => stream.Read(new byte[1], -1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => stream.Write(new byte[1], 0, 2));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => stream.ReadAsync(new byte[1], 1, 1));
        await Assert.ThrowsAsync<ArgumentNullException>(() => stream.CopyToAsync(null!));
        Assert.Throws<NotSupportedException>(() => stream.Length);
        Assert.Throws<NotSupportedException>(() => stream.Position);
        Assert.Throws<NotSupportedException>(() => stream.Position = 0);
        Assert.Throws<NotSupportedException>(() => stream.Seek(0, SeekOrigin.Begin));
        Assert.Throws<NotSupportedException>(() => stream.SetLength(0));
        await stream.DisposeAsync();
        stream.Dispose();
        Assert.Equal((false, false), (stream.CanRead, stream.CanWrite));
        Assert.Throws<ObjectDisposedException>(() => stream.Read(new byte[1]));
        Assert.Throws<ObjectDisposedException>(() => stream.Write(new byte[1]));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.ReadAsync(new byte[1]).AsTask());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.WriteAsync(new byte[1]).AsTask());
        Assert.Throws<ObjectDisposedException>(stream.Flush);
        Assert.Throws<ObjectDisposedException>(both.Creator.AsStream);
        Assert.Throws<ObjectDisposedException>(both.Creator.AsPipe);
    }

    [Fact]
    [Rule("connection.stream-end")]
    public async Task A_half_that_was_completed_is_read_to_its_end_and_the_other_goes_on()
    {
        using var both = await Both.OpenAsync();
        await using var two = both.Receiver.AsStream();
        await using (var one = both.Creator.AsStream())
        {
            one.Write([1, 2, 3]);
            both.Creator.Output.Complete();
            var copy = new MemoryStream();
            await two.CopyToAsync(copy);
            Assert.Equal([1, 2, 3], copy.ToArray());
            Assert.Equal(0, await two.ReadAsync(new byte[1]));
            Assert.Equal(-1, two.ReadByte());
            two.Write([4]);
            Assert.Equal(4, one.ReadByte());
            Assert.Throws<InvalidOperationException>(() => one.Write([1]));
        }

        // It is closed now.
        await Assert.ThrowsAsync<PeerLeftException>(() => two.WriteAsync(new byte[1]).AsTask());
    }

    [Fact]
    [Rule("connection.stream-end")]
    public async Task A_disposed_stream_is_read_to_its_end_and_a_killed_peer_is_an_exception()
    {
        using (var both = await Both.OpenAsync())
        {
            await using var two = both.Receiver.AsStream();
            both.Creator.AsStream().Dispose();
            Assert.Equal(0, await two.ReadAsync(new byte[1]));
        }

        using var directory = TemporaryDirectory.InMemory();
        await using var listener = new MessageListener(directory.File("sock"), new() { Capacity = 4096 });
        using var peer = Partner.Start("connection", "connect", directory.File("sock"));
        await using var stream = (await listener.AcceptAsync()).AsStream();
        Assert.Equal("open", peer.ReadLine());
        peer.Ask("write abc");
        peer.Kill();
        var bytes = new byte[3];
        await stream.ReadExactlyAsync(bytes);
        Assert.Equal("abc"u8, bytes);
        await Assert.ThrowsAsync<PeerDiedException>(() => stream.ReadAsync(bytes).AsTask());
        Assert.ThrowsAny<IOException>(() => stream.Write(bytes));
    }

    [Fact]
    [Rule("connection.stream")]
    public async Task A_stream_allocates_nothing_per_call()
    {
        using var both = await Both.OpenAsync();
        await using Stream one = both.Creator.AsStream(), two = both.Receiver.AsStream();
        var bytes = new byte[64];
        Assert.Equal(0, Allocation.OfRounds(10_000, () =>
        {
            var isRight = one.WriteAsync(bytes.AsMemory()).IsCompletedSuccessfully;
            one.Write(bytes);
            var reading = two.ReadAsync(bytes.AsMemory());
            isRight &= reading.IsCompletedSuccessfully && reading.Result == 64 && two.Read(bytes.AsSpan()) == 64;
            if (!isRight)
            {
                Assert.Fail("A round went wrong.");
            }
        }));
    }
}
