using Posix.SharedMemory.AspNetCore.Tests.Peers;

namespace Posix.SharedMemory.AspNetCore.Tests.Requests;

/// <summary>Requests that do not come to their end: cancelled, killed on either side, cut by the server, or overtaken by its shutdown.</summary>
public sealed class Ending
{
    [Theory]
    [InlineData("1.1", "wait")]
    [InlineData("1.1", "forever")]
    [InlineData("2.0", "wait")]
    [InlineData("2.0", "forever")]
    [Rule("http.cancel")]
    public async Task A_request_that_the_client_cancels_is_aborted_at_the_server_which_goes_on(string version, string address)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File(), version);
        using var client = server.Connect();
        using (var cancel = new CancellationTokenSource())
        {
            using var response = await client.GetAsync(new Uri(address, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancel.Token);
            await using var body = await response.Content.ReadAsStreamAsync();
            var reading = Task.Run(async () =>
            {
                var bytes = new byte[100];
                while (await body.ReadAsync(bytes, cancel.Token) > 0)
                {
                }
            });
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(Watchdog.Limit));
        }

        await server.Aborted.Task.WaitAsync(Watchdog.Limit);
        Assert.Equal("hello", await client.GetStringAsync(new Uri("hello", UriKind.Relative)));
        Assert.Empty(server.Log.Lines);
    }

    [Theory]
    [InlineData("1.1", "wait")]
    [InlineData("1.1", "forever")]
    [InlineData("2.0", "wait")]
    [InlineData("2.0", "forever")]
    [Rule("http.client-ends")]
    public async Task A_killed_client_aborts_its_request_also_where_the_server_neither_reads_nor_writes(string version, string address)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File(), version);
        using (var client = Acts.Get(directory.File(), version, address))
        {
            client.Kill();
            await server.Aborted.Task.WaitAsync(Watchdog.Limit);
        }

        using var next = server.Connect();
        Assert.Equal("hello", await next.GetStringAsync(new Uri("hello", UriKind.Relative)));
        Assert.Empty(server.Log.Lines);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    [Rule("http.server-ends")]
    public async Task A_killed_server_ends_requests_with_its_death_and_the_next_one_at_the_path_is_found(string version)
    {
        using var directory = TemporaryDirectory.InMemory();
        using var client = Server.Connect(directory.File(), version);
        using (var server = Acts.Serve(directory.File(), version))
        {
            using var response = await client.GetAsync(new Uri("forever", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
            await using var body = await response.Content.ReadAsStreamAsync();
            await body.ReadExactlyAsync(new byte[10_000]);
            server.Kill();
            var failure = await Assert.ThrowsAnyAsync<Exception>(() => ReadOnAsync(body).WaitAsync(Watchdog.Limit));
            Assert.Contains(Reasons(failure), reason => reason is PeerDiedException);
        }

        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync(new Uri("hello", UriKind.Relative)));
        Assert.Contains(Reasons(refused), reason => reason is SharedMemoryException { Errno: Errno.ECONNREFUSED });
        using var second = Acts.Serve(directory.File(), version);
        Assert.Equal("hello", await client.GetStringAsync(new Uri("hello", UriKind.Relative)));
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    [Rule("http.shutdown")]
    public async Task A_shutdown_waits_for_requests_that_are_under_way_and_takes_no_new_ones(string version)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File(), version);
        using HttpClient client = server.Connect(), late = server.Connect();
        using var response = await client.GetAsync(new Uri("hold", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        var stopping = server.StopAsync();
        Watchdog.Until(() => !File.Exists(directory.File()), "the path to be given up");
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => late.GetStringAsync(new Uri("hello", UriKind.Relative)));
        Assert.Contains(Reasons(refused), reason => reason is SharedMemoryException { Errno: Errno.ENOENT });
        Assert.False(stopping.IsCompleted);
        server.Release.SetResult();
        Assert.Equal("held", await response.Content.ReadAsStringAsync().WaitAsync(Watchdog.Limit));
        await stopping.WaitAsync(Watchdog.Limit);
        Assert.Empty(server.Log.Lines);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    [Rule("http.shutdown")]
    public async Task A_shutdown_that_has_no_more_time_cuts_requests_and_clients_see_that(string version)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File(), version);
        using var client = server.Connect();
        using var response = await client.GetAsync(new Uri("wait", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        await server.StopAsync(new CancellationToken(canceled: true)).WaitAsync(Watchdog.Limit);
        await server.Aborted.Task.WaitAsync(Watchdog.Limit);
        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsStringAsync().WaitAsync(Watchdog.Limit));
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    [Rule("http.abort")]
    public async Task A_response_that_the_server_cuts_does_not_look_like_a_whole_one(string version)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File(), version);
        using var client = server.Connect();
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync(new Uri("cut", UriKind.Relative)).WaitAsync(Watchdog.Limit));
        Assert.Equal("hello", await client.GetStringAsync(new Uri("hello", UriKind.Relative)));
    }

    internal static IEnumerable<Exception> Reasons(Exception? failure)
    {
        for (; failure is not null; failure = failure.InnerException)
        {
            yield return failure;
        }
    }

    private static async Task ReadOnAsync(Stream body)
    {
        var bytes = new byte[4096];
        while (await body.ReadAsync(bytes) > 0)
        {
        }
    }
}
