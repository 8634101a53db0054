// A service at a path, and two clients: one speaks in messages, the other in a stream, and is killed: dotnet run samples/65-clients.cs
#:project ../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj

using System.Diagnostics;
using Posix.SharedMemory.Channels;

if (args is ["messages", var there])
{
    // snippet: client
    await using var service = await MessageConnection.ConnectAsync(there);
    await service.Output.WriteAsync("hello"u8.ToArray());
    service.Output.Complete();
    await foreach (var reply in service.Input.ReadAllAsync())
    {
        Console.WriteLine($"{reply.Length} bytes came back");
    }
    // end
    return 0;
}

if (args is ["stream", var path])
{
    // snippet: stream
    await using var stream = (await MessageConnection.ConnectAsync(path)).AsStream();
    await using var writer = new StreamWriter(stream) { AutoFlush = true };
    await writer.WriteAsync("half a line");
    // end
    Process.GetCurrentProcess().Kill();
}

var directory = Directory.CreateTempSubdirectory("sample-65");
var socket = Path.Combine(directory.FullName, "service");
// snippet: service
await using var listener = new MessageListener(socket, new() { Capacity = 1 << 16 });
using Process one = Process.Start(Environment.ProcessPath!, ["messages", socket]), two = Process.Start(Environment.ProcessPath!, ["stream", socket]);
var outcomes = await Task.WhenAll(ServeAsync(await listener.AcceptAsync()), ServeAsync(await listener.AcceptAsync()));

static async Task<string> ServeAsync(MessageConnection client)
{
    await using var connection = client;
    try
    {
        await foreach (var request in connection.Input.ReadAllAsync())
        {
            await connection.Output.WriteAsync(request);
        }

        connection.Output.Complete();
        return $"user {connection.Peer.UserId} has finished";
    }
    catch (PeerDiedException)                                         // After everything that it had sent.
    {
        return $"user {connection.Peer.UserId} died";
    }
}
// end
await Task.WhenAll(one.WaitForExitAsync(), two.WaitForExitAsync());
directory.Delete(recursive: true);
Console.WriteLine(string.Join("; ", outcomes));
return outcomes.Count(outcome => outcome.EndsWith("died", StringComparison.Ordinal)) == 1 && one.ExitCode == 0 ? 0 : 1;
