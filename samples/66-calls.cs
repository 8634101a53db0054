// A service that answers calls, and a client with many of them under way: dotnet run samples/66-calls.cs
#:project ../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj

using System.Diagnostics;
using Posix.SharedMemory.Channels;

if (args is ["client", var path])
{
    // snippet: client
    await using var calls = (await MessageConnection.ConnectAsync(path)).AsCalls();
    var squares = await Task.WhenAll(Enumerable.Range(1, 100).Select(async number =>
    {
        using var reply = await calls.CallAsync(BitConverter.GetBytes(number), TimeSpan.FromMinutes(1));
        return BitConverter.ToInt32(reply.Span);
    }));
    // end
    // snippet: giving-up
    using var patience = new CancellationTokenSource();
    var slow = calls.CallAsync(default, type: 1, patience.Token).AsTask();
    patience.Cancel();                                        // The service learns it.
    var outcome = await Task.WhenAny(slow);

    try
    {
        using var reply = await calls.CallAsync("not a number"u8.ToArray());
    }
    catch (CallFailedException e)
    {
        Console.WriteLine($"error {e.Error}: {e.Message}");
    }
    // end
    Console.WriteLine($"the sum is {squares.Sum()}, the slow call is {outcome.Status}");
    return squares.Sum() == 338350 && outcome.IsCanceled ? 0 : 1;
}

var directory = Directory.CreateTempSubdirectory("sample-66");
var socket = Path.Combine(directory.FullName, "service");
// snippet: service
await using var listener = new MessageListener(socket);
using var client = Process.Start(Environment.ProcessPath!, ["client", socket]);
await using var service = (await listener.AcceptAsync()).AsCalls();
await service.ServeAsync(async call =>                        // Ends when the client has completed.
{
    if (call.Type == 1)
    {
        await Task.Delay(Timeout.Infinite, call.CancellationToken);
    }

    var number = call.Request.Length == 4 ? BitConverter.ToInt32(call.Request.Span) : throw new CallFailedException(22, "a request has 4 bytes");
    await call.ReplyAsync(BitConverter.GetBytes(number * number));
});
// end
await client.WaitForExitAsync();
directory.Delete(recursive: true);
return client.ExitCode;
