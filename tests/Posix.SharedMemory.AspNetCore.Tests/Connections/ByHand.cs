using System.Text;

namespace Posix.SharedMemory.AspNetCore.Tests.Connections;

/// <summary>Clients that write HTTP by hand, and do what a proper one does not.</summary>
public sealed class ByHand
{
    [Fact]
    [Rule("http.half")]
    public async Task A_client_that_has_completed_what_it_sends_still_gets_its_answer_to_the_end()
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File(), "1.1");
        await using var connection = await MessageConnection.ConnectAsync(directory.File());
        await using var stream = connection.AsStream();
        await AskAsync(stream, "hold");
        connection.Output.Complete();
        var reading = new StreamReader(stream).ReadToEndAsync();
        server.Release.SetResult();
        Assert.EndsWith("4\r\nheld\r\n0\r\n\r\n", await reading.WaitAsync(Watchdog.Limit), StringComparison.Ordinal);
    }

    [Fact]
    [Rule("http.abort")]
    public async Task A_body_that_ends_with_its_connection_is_a_failure_where_it_was_cut_and_not_where_it_was_whole()
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File(), "1.1");
        foreach (var (address, isWhole) in new[] { ("hello", true), ("cut", false) })
        {
            await using var stream = (await MessageConnection.ConnectAsync(directory.File())).AsStream();
            // Of this version the end of a body is that of the connection.
            await AskAsync(stream, address, "1.0");
            var reading = new StreamReader(stream).ReadToEndAsync().WaitAsync(Watchdog.Limit);
            if (isWhole)
            {
                Assert.EndsWith("\r\n\r\nhello", await reading, StringComparison.Ordinal);
            }
            else
            {
                await Assert.ThrowsAsync<PeerLeftException>(() => reading);
            }
        }
    }

    [Fact]
    [Rule("http.backpressure")]
    public async Task A_response_that_is_not_read_waits_in_the_ring_and_takes_no_more_memory()
    {
        const int Count = 20_000_000, Most = 1 << 20;
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync("", "1.1", place: new(directory.File()) { Connection = new() { Capacity = 1 << 16 } });
        await using var stream = (await MessageConnection.ConnectAsync(directory.File())).AsStream();
        await AskAsync(stream, $"bytes?count={Count}");
        Watchdog.Until(() => Volatile.Read(ref server.Written) > 1 << 15, "a ring full of bytes");
        for (var look = 0; look < 50; look++)
        {
            Assert.InRange(Volatile.Read(ref server.Written), 0, Most);
            await Task.Delay(2);
        }

        var (bytes, read) = (new byte[1 << 16], 0);
        while (read < Count)
        {
            read += await stream.ReadAsync(bytes).AsTask().WaitAsync(Watchdog.Limit);
        }

        Watchdog.Until(() => Volatile.Read(ref server.Written) == Count, "all bytes");
    }

    [Fact]
    [Rule("http.hostile")]
    public async Task A_client_that_overwrites_the_ring_ends_its_own_connection_and_no_other()
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File(), "1.1");
        using var proper = server.Connect();
        Assert.Equal("hello", await proper.GetStringAsync(new Uri("hello", UriKind.Relative)));
        for (var offset = 256; offset < 4096; offset += 8)
        {
            await using var connection = await MessageConnection.ConnectAsync(directory.File());
            using var bytes = connection.Memory.Map();
            bytes.GetReference<ulong>(offset) = 0x0123_4567_89ab_cdef;
            try
            {
                connection.Output.TryWrite("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"u8);
            }
            catch (ChannelException)
            {
                // It has hurt itself.
            }
        }

        Assert.Equal("hello", await proper.GetStringAsync(new Uri("hello", UriKind.Relative)));
        using var next = server.Connect();
        Assert.Equal("hello", await next.GetStringAsync(new Uri("hello", UriKind.Relative)));
        Assert.Empty(server.Log.Lines);
    }

    [Fact]
    [Rule("http.silent")]
    public async Task Clients_that_say_nothing_or_leave_at_once_hold_up_no_other()
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File(), "2.0");
        using var silent = await MessageConnection.ConnectAsync(directory.File());
        for (var i = 0; i < 20; i++)
        {
            (await MessageConnection.ConnectAsync(directory.File())).Dispose();
        }

        using var client = server.Connect();
        Assert.Equal("hello", await client.GetStringAsync(new Uri("hello", UriKind.Relative)));
        await server.StopAsync().WaitAsync(Watchdog.Limit);
        Assert.Empty(server.Log.Lines);
    }

    internal static async Task AskAsync(Stream stream, string address, string version = "1.1") =>
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET /{address} HTTP/{version}\r\nHost: localhost\r\n\r\n"));
}
