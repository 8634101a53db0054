using StreamJsonRpc;

namespace Posix.SharedMemory.AspNetCore.Tests.Protocols;

/// <summary>StreamJsonRpc over a connection itself, without HTTP: as a stream, and as a pipe.</summary>
public sealed class OverJsonRpc
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("http.jsonrpc")]
    public async Task Calls_are_answered_until_the_client_ends_which_the_server_sees(bool isPipe)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var listener = new MessageListener(directory.File());
        var connecting = MessageConnection.ConnectAsync(directory.File()).AsTask();
        await using var mine = await listener.AcceptAsync();
        await using var theirs = await connecting;
        using var server = isPipe ? new JsonRpc(new HeaderDelimitedMessageHandler(mine.AsPipe(), new JsonMessageFormatter())) : new JsonRpc(mine.AsStream());
        server.AddLocalRpcMethod("add", (Func<int, int, int>)((one, other) => one + other));
        server.StartListening();
        using (var client = isPipe ? new JsonRpc(new HeaderDelimitedMessageHandler(theirs.AsPipe(), new JsonMessageFormatter())) : new JsonRpc(theirs.AsStream()))
        {
            client.StartListening();
            var sums = await Task.WhenAll(Enumerable.Range(0, 100).Select(number => client.InvokeAsync<int>("add", number, 1))).WaitAsync(Watchdog.Limit);
            Assert.Equal(Enumerable.Range(1, 100), sums);
        }

        await server.Completion.WaitAsync(Watchdog.Limit);
    }
}
