// A worker writes frames that an endpoint serves; the host's shutdown removes the object: dotnet run samples/25-aspnetcore.cs
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using Posix.SharedMemory;

const int FrameBytes = 1 << 16;
var name = SharedMemoryObject.CreateUniqueName("sample-25");

// snippet: services
var builder = WebApplication.CreateSlimBuilder(args);

// Singletons that the container creates, and therefore disposes, the mapping first: after Ctrl-C and SIGTERM too.
builder.Services.AddSingleton(_ => SharedMemoryObject.Create(name, FrameBytes, new() { Lifetime = Lifetime.UnlinkOnDispose }));
builder.Services.AddSingleton(services => services.GetRequiredService<SharedMemoryObject>().Map());
builder.Services.AddHostedService<Camera>();
// end
builder.WebHost.UseUrls("http://127.0.0.1:0");
builder.Logging.ClearProviders();

var app = builder.Build();
// snippet: endpoint
app.MapGet("/frame", async (MemoryMapping map, HttpResponse response) =>
{
    using var frame = map.GetReadOnlyMemory(0, FrameBytes);   // Stays mapped even if the host stops meanwhile.
    await response.Body.WriteAsync(frame.Memory);
});
// end

await app.StartAsync();
using var client = new HttpClient();
byte[] frame;
do
{
    frame = await client.GetByteArrayAsync(app.Urls.First() + "/frame");
}
while (frame[0] == 0);

await app.StopAsync();
await app.DisposeAsync();
var gone = !SharedMemoryObject.TryUnlink(name);
Console.WriteLine($"served a frame of {frame.Length} bytes; after the shutdown the name is {(gone ? "gone" : "STILL THERE")}");
return gone && frame.Length == FrameBytes ? 0 : 1;

// snippet: worker
internal sealed class Camera(MemoryMapping map) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (byte frame = 1; !stoppingToken.IsCancellationRequested; frame = (byte)(frame % 255 + 1))
        {
            map.GetSpan().Fill(frame);
            await Task.Delay(10, stoppingToken);
        }
    }
}
// end
