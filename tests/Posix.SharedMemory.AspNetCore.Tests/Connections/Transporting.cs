using System.Buffers;

namespace Posix.SharedMemory.AspNetCore.Tests.Connections;

/// <summary>The server's end of a connection, without a server.</summary>
public sealed class Transporting
{
    [Fact]
    [Rule("http.flush")]
    public async Task Flushes_that_are_cancelled_in_the_middle_of_a_piece_and_tried_again_send_each_byte_once()
    {
        var (mine, theirs) = MessageConnection.CreatePair(new() { Capacity = 4096 });
        await using var client = await MessageConnection.ReceiveAsync(theirs);
        var bytes = new byte[30_000];
        new Random(7).NextBytes(bytes);
        var got = new MemoryStream();
        var stream = client.AsStream();
        await using (var transport = new TransportConnection(mine, new SharedMemoryEndPoint("/run/none")))
        {
            for (var sent = 0; sent < bytes.Length; sent += 10_000)
            {
                transport.Output.Write(bytes.AsSpan(sent, 10_000));
                for (var cancelled = 0; cancelled < 3; cancelled++)
                {
                    // The ring takes less than half of it.
                    var flushing = transport.Output.FlushAsync().AsTask();
                    transport.Output.CancelPendingFlush();
                    Assert.True((await flushing.WaitAsync(Watchdog.Limit)).IsCanceled);
                    await TakeAsync();
                }

                var again = transport.Output.FlushAsync().AsTask();
                while (got.Length < sent + 10_000)
                {
                    await TakeAsync();
                }

                Assert.False((await again.WaitAsync(Watchdog.Limit)).IsCanceled);
            }
        }

        Assert.Equal(0, await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(Watchdog.Limit));
        Assert.Equal(bytes, got.ToArray());

        async Task TakeAsync()
        {
            var piece = new byte[3000];
            got.Write(piece, 0, await stream.ReadAsync(piece).AsTask().WaitAsync(Watchdog.Limit));
        }
    }

    [Fact]
    [Rule("http.client-ends")]
    public async Task A_handler_of_the_end_that_throws_keeps_no_other_from_it()
    {
        var (mine, theirs) = MessageConnection.CreatePair();
        var client = await MessageConnection.ReceiveAsync(theirs);
        await using var transport = new TransportConnection(mine, new SharedMemoryEndPoint("/run/none")).Start();
        var (first, last) = (new TaskCompletionSource(), new TaskCompletionSource());
        transport.ConnectionClosed.Register(first.SetResult);
        transport.ConnectionClosed.Register(() => throw new InvalidOperationException("A handler's own."));
        transport.ConnectionClosed.Register(last.SetResult);
        client.Dispose();
        await Task.WhenAll(first.Task, last.Task).WaitAsync(Watchdog.Limit);
    }
}
