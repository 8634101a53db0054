using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;

namespace Posix.SharedMemory.AspNetCore.Tests.Protocols;

/// <summary>SignalR, unchanged, by each of its transports.</summary>
public sealed class OverSignalR
{
    [Theory]
    [InlineData(HttpTransportType.WebSockets)]
    [InlineData(HttpTransportType.ServerSentEvents)]
    [InlineData(HttpTransportType.LongPolling)]
    [Rule("http.signalr")]
    public async Task Calls_and_calls_back_arrive(HttpTransportType transport)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File(), "1.1", builder => builder.Services.AddSignalR(), app => app.MapHub<EchoHub>("/hub"));
        var handler = SharedMemoryHttp.CreateHandler(directory.File());
        await using var connection = new HubConnectionBuilder().WithUrl("http://localhost/hub", options =>
        {
            options.Transports = transport;
            options.HttpMessageHandlerFactory = _ => SharedMemoryHttp.CreateHandler(directory.File());
            options.WebSocketFactory = async (context, cancellationToken) =>
            {
                var socket = new ClientWebSocket();
                await socket.ConnectAsync(context.Uri, new HttpMessageInvoker(handler), cancellationToken);
                return socket;
            };
        }).Build();
        var called = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.On<string>("heard", called.SetResult);
        await connection.StartAsync().WaitAsync(Watchdog.Limit);
        Assert.Equal("hello", await connection.InvokeAsync<string>("Echo", "hello").WaitAsync(Watchdog.Limit));
        Assert.Equal("hello", await called.Task.WaitAsync(Watchdog.Limit));
    }

    private sealed class EchoHub : Hub
    {
        public async Task<string> Echo(string text)
        {
            await Clients.Caller.SendAsync("heard", text);
            return text;
        }
    }
}
