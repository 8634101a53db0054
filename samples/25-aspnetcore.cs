// A worker writes frames that an endpoint serves; the host's shutdown removes the object: dotnet run samples/25-aspnetcore.cs
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Posix.SharedMemory;

var name = SharedMemoryObject.CreateUniqueName("sample-25");

// snippet: services
var builder = WebApplication.CreateSlimBuilder(args);

// A singleton that the container creates, and therefore disposes: after Ctrl-C and SIGTERM too.
builder.Services.AddSingleton(_ => new Frames(name));
builder.Services.AddHostedService<Camera>();
// end
builder.WebHost.UseUrls("http://127.0.0.1:0");
builder.Logging.ClearProviders();

var app = builder.Build();
// snippet: endpoint
app.MapGet("/frame", async (Frames frames, HttpResponse response) =>
{
    using var frame = frames.Map.GetReadOnlyMemory(0, Frames.Bytes);   // Stays mapped even if the host stops meanwhile.
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
return gone && frame.Length == Frames.Bytes ? 0 : 1;

// snippet: frames
internal sealed class Frames(string name) : IDisposable
{
    public const int Bytes = 1 << 16;
    private readonly SharedMemoryObject _memory = SharedMemoryObject.Create(name, Bytes, new() { Lifetime = Lifetime.UnlinkOnDispose });
    private MemoryMapping? _map;

    public MemoryMapping Map => LazyInitializer.EnsureInitialized(ref _map, () => _memory.Map());

    public void Dispose()
    {
        _map?.Dispose();
        _memory.Dispose();
    }
}
// end

// snippet: worker
internal sealed class Camera(Frames frames) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (byte frame = 1; !stoppingToken.IsCancellationRequested; frame = (byte)(frame % 255 + 1))
        {
            frames.Map.GetSpan(0, Frames.Bytes).Fill(frame);
            await Task.Delay(10, stoppingToken);
        }
    }
}
// end
