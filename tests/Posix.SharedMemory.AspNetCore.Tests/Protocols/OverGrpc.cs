using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Posix.SharedMemory.AspNetCore.Tests.Protocols;

/// <summary>gRPC, unchanged: calls of all four shapes, deadlines, and a server that ends.</summary>
public sealed class OverGrpc
{
    [Fact]
    [Rule("http.grpc")]
    public async Task Calls_of_all_four_shapes_are_answered()
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await StartAsync(directory.File());
        using var channel = Open(directory.File());
        var counter = new Counter.CounterClient(channel);
        var ballast = ByteString.CopyFrom(new byte[2_000_000]);
        var answer = await counter.DoubleAsync(new() { Value = 21, Ballast = ballast });
        Assert.Equal((42, ballast), (answer.Value, answer.Ballast));

        using var counting = counter.CountTo(new() { Value = 1000 });
        Assert.Equal(500_500, await counting.ResponseStream.ReadAllAsync().Select(number => number.Value).SumAsync());

        using var summing = counter.Sum();
        for (var value = 1; value <= 1000; value++)
        {
            await summing.RequestStream.WriteAsync(new() { Value = value });
        }

        await summing.RequestStream.CompleteAsync();
        Assert.Equal(500_500, (await summing).Value);

        using var each = counter.DoubleEach();
        for (var value = 1; value <= 100; value++)
        {
            await each.RequestStream.WriteAsync(new() { Value = value });
            Assert.True(await each.ResponseStream.MoveNext(CancellationToken.None));
            Assert.Equal(2 * value, each.ResponseStream.Current.Value);
        }

        await each.RequestStream.CompleteAsync();
        Assert.False(await each.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Empty(server.Log.Lines);
    }

    [Fact]
    [Rule("http.grpc")]
    public async Task Many_calls_at_a_time_are_answered_each_with_its_own()
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await StartAsync(directory.File());
        using var channel = Open(directory.File());
        var counter = new Counter.CounterClient(channel);
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(async value => (await counter.DoubleAsync(new() { Value = value })).Value));
        Assert.Equal(Enumerable.Range(0, 200).Select(value => 2L * value), answers);
    }

    [Fact]
    [Rule("http.grpc")]
    public async Task A_call_with_a_deadline_ends_and_one_without_a_server_is_unavailable()
    {
        using var directory = TemporaryDirectory.InMemory();
        using var channel = Open(directory.File());
        var counter = new Counter.CounterClient(channel);
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => counter.DoubleAsync(new()).ResponseAsync)).StatusCode);
        await using (var server = await StartAsync(directory.File()))
        {
            Assert.Equal(4, (await counter.DoubleAsync(new() { Value = 2 })).Value);
            using var late = counter.DoubleEach(deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddMilliseconds(50));
            Assert.Equal(StatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<RpcException>(() => late.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Watchdog.Limit))).StatusCode);
            using var open = counter.DoubleEach();
            await open.RequestStream.WriteAsync(new() { Value = 1 });
            Assert.True(await open.ResponseStream.MoveNext(CancellationToken.None));
            await server.StopAsync(new CancellationToken(canceled: true));
            await Assert.ThrowsAsync<RpcException>(() => open.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Watchdog.Limit));
        }

        await using var second = await StartAsync(directory.File());
        Assert.Equal(6, (await counter.DoubleAsync(new() { Value = 3 }, new CallOptions().WithWaitForReady())).Value);
    }

    private static Task<Server> StartAsync(string path) => Server.StartAsync(path, "2.0", builder => builder.Services.AddGrpc(), app => app.MapGrpcService<CountingService>());

    private static GrpcChannel Open(string path) => GrpcChannel.ForAddress("http://localhost", new() { HttpHandler = SharedMemoryHttp.CreateHandler(path), DisposeHttpClient = true });
}
