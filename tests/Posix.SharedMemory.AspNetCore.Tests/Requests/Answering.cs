using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Posix.SharedMemory.AspNetCore.Tests.Requests;

/// <summary>Requests and their responses: big ones, many at a time, in pieces.</summary>
public sealed class Answering
{
    /// <summary>A ring that bodies go round many times.</summary>
    private static readonly MessageConnectionOptions s_small = new() { Capacity = 1 << 14 };

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    [Rule("http.request")]
    public async Task Both_versions_are_answered_and_connections_are_used_again(string version)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File(), version);
        using var client = server.Connect();
        for (var i = 0; i < 100; i++)
        {
            using var response = await client.GetAsync(new Uri("hello", UriKind.Relative));
            Assert.Equal(version, response.Version.ToString());
            Assert.Equal("hello", await response.Content.ReadAsStringAsync());
        }

        Assert.Equal($"http://shm:{directory.File()}", Assert.Single(server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses));
        Assert.Empty(server.Log.Lines);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    [Rule("http.bodies")]
    public async Task Big_bodies_go_each_way_through_a_small_ring(string version)
    {
        const int Length = 8 << 20;
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync("", version, place: new(directory.File()) { Connection = s_small });
        using var client = Server.Connect(directory.File(), version);
        using var content = new ByteArrayContent(new byte[Length]);
        using var response = await client.PostAsync(new Uri("length", UriKind.Relative), content);
        Assert.Equal($"{Length}", await response.Content.ReadAsStringAsync());
        Assert.Equal(new byte[Length], await client.GetByteArrayAsync(new Uri($"bytes?count={Length}", UriKind.Relative)));
        Assert.Empty(server.Log.Lines);
    }

    [Fact]
    [Rule("http.bodies")]
    public async Task Big_bodies_go_both_ways_at_once_through_a_small_ring()
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync("", "2.0", place: new(directory.File()) { Connection = s_small });
        using var client = Server.Connect(directory.File(), "2.0");
        var sent = new byte[8 << 20];
        Random.Shared.NextBytes(sent);
        using var request = new HttpRequestMessage(HttpMethod.Post, "echo") { Content = new PushedContent(stream => stream.WriteAsync(sent).AsTask()), Version = client.DefaultRequestVersion, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(SHA256.HashData(sent), await SHA256.HashDataAsync(await response.Content.ReadAsStreamAsync()));
        Assert.Empty(server.Log.Lines);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    [Rule("http.request")]
    public async Task Many_requests_at_a_time_get_their_own_answers(string version)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File(), version);
        using var client = server.Connect();
        var lengths = await Task.WhenAll(Enumerable.Range(1, 64).Select(async number =>
        {
            var right = true;
            for (var i = 0; i < 8; i++)
            {
                using var content = new ByteArrayContent(new byte[number * 1000]);
                using var response = await client.PostAsync(new Uri("length", UriKind.Relative), content);
                right &= await response.Content.ReadAsStringAsync() == (number * 1000).ToString(CultureInfo.InvariantCulture);
            }

            return right;
        }));
        Assert.All(lengths, Assert.True);
    }

    [Fact]
    [Rule("http.bodies")]
    public async Task Each_piece_of_a_stream_arrives_when_it_was_sent()
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File(), "2.0");
        using var client = server.Connect();
        var input = new System.IO.Pipelines.Pipe();
        using var content = new PushedContent(async stream =>
        {
            // The beginning of a request waits in the client for the first bytes of its body.
            await stream.FlushAsync();
            while (await input.Reader.ReadAsync() is { IsCompleted: false } read)
            {
                await stream.WriteAsync(read.Buffer.ToArray());
                await stream.FlushAsync();
                input.Reader.AdvanceTo(read.Buffer.End);
            }
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, "echo") { Content = content, Version = client.DefaultRequestVersion, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using var answer = await response.Content.ReadAsStreamAsync();
        for (var i = 0; i < 20; i++)
        {
            // The next one is sent only when this one has come back.
            var piece = Encoding.ASCII.GetBytes($"piece {i:00}");
            await input.Writer.WriteAsync(piece);
            var back = new byte[piece.Length];
            await answer.ReadExactlyAsync(back).AsTask().WaitAsync(Watchdog.Limit);
            Assert.Equal(piece, back);
        }

        await input.Writer.CompleteAsync();
        Assert.Equal(0, await answer.ReadAsync(new byte[1]));
    }

    [Fact]
    [Rule("http.beside")]
    public async Task A_server_listens_to_a_port_and_to_two_paths_at_the_same_time()
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File("one"), "1.1", builder =>
        {
            builder.WebHost.UseSharedMemory(directory.File("two"));
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        });
        foreach (var path in new[] { "one", "two" })
        {
            using var client = Server.Connect(directory.File(path), "1.1");
            Assert.Equal("hello", await client.GetStringAsync(new Uri("hello", UriKind.Relative)));
        }

        using var plain = new HttpClient();
        var port = server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single(address => address.Contains("127.0.0.1", StringComparison.Ordinal));
        Assert.Equal("hello", await plain.GetStringAsync(new Uri($"{port}/hello")));
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    [Rule("http.peer")]
    public async Task A_request_knows_the_process_that_sent_it(string version)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File(), version);
        using var client = server.Connect();
        Assert.Equal(Environment.ProcessId.ToString(CultureInfo.InvariantCulture), await client.GetStringAsync(new Uri("peer", UriKind.Relative)));
    }
}
