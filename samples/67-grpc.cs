// gRPC between two processes through shared memory: dotnet run samples/67-grpc.cs
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/Posix.SharedMemory.AspNetCore/Posix.SharedMemory.AspNetCore.csproj
#:project grpc/Greeter.csproj

using System.Diagnostics;
using Greeting;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Posix.SharedMemory.AspNetCore;

if (args is ["client", var there])
{
    // snippet: client
    using var channel = GrpcChannel.ForAddress("http://localhost", new() { HttpHandler = SharedMemoryHttp.CreateHandler(there) });
    var greeter = new Greeter.GreeterClient(channel);
    Console.WriteLine((await greeter.SayHelloAsync(new() { Text = "shared memory" })).Text);
    using var counting = greeter.Count(new() { Number = 3 });
    await foreach (var hello in counting.ResponseStream.ReadAllAsync())
    {
        Console.WriteLine($"{hello.Number}: {hello.Text}");
    }
    // end
    return 0;
}

var directory = Directory.CreateTempSubdirectory("sample-67");
var path = Path.Combine(directory.FullName, "greeter");
// snippet: server
var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.UseSharedMemory(path, listen => listen.Protocols = HttpProtocols.Http2);
builder.Services.AddGrpc();
await using var app = builder.Build();
app.MapGrpcService<GreeterService>();
await app.StartAsync();
// end
using var client = Process.Start(Environment.ProcessPath!, ["client", path]);
await client.WaitForExitAsync();
await app.StopAsync();
directory.Delete(recursive: true);
return client.ExitCode;

// snippet: service
internal sealed class GreeterService : Greeter.GreeterBase
{
    public override Task<Hello> SayHello(Hello request, ServerCallContext context) => Task.FromResult(new Hello { Text = $"hello, {request.Text}" });

    public override async Task Count(Hello request, IServerStreamWriter<Hello> responses, ServerCallContext context)
    {
        for (var number = 1; number <= request.Number; number++)
        {
            await responses.WriteAsync(new() { Number = number, Text = "of a stream" });
        }
    }
}
// end
