using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Posix.SharedMemory.AspNetCore.Tests;

/// <summary>A server at a path, whose endpoints do one thing each.</summary>
internal sealed class Server : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Server(WebApplication app, string path, string version) => (_app, Path, Version) = (app, path, version);

    internal string Path { get; }

    internal string Version { get; }

    /// <summary>Gets what completes when a request to <c>/wait</c> or <c>/forever</c> was aborted.</summary>
    internal TaskCompletionSource Aborted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Gets what lets a request to <c>/hold</c> end.</summary>
    internal TaskCompletionSource Release { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Gets what was logged as a warning, or worse.</summary>
    internal WarningLog Log { get; private init; } = new();

    /// <summary>Gets how many bytes requests to <c>/bytes</c> have been able to write.</summary>
    internal long Written;

    internal IServiceProvider Services => _app.Services;

    internal static async Task<Server> StartAsync(string path, string version, Action<WebApplicationBuilder>? configure = null, Action<WebApplication>? map = null, SharedMemoryEndPoint? place = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        var log = new WarningLog();
        builder.Logging.ClearProviders().AddProvider(log);
        var listen = (ListenOptions options) => { options.Protocols = version == "1.1" ? HttpProtocols.Http1 : HttpProtocols.Http2; };
        if (place is null)
        {
            builder.WebHost.UseSharedMemory(path, listen);
        }
        else
        {
            builder.WebHost.UseSharedMemory().ConfigureKestrel(kestrel => kestrel.Listen(place, listen));
        }

        // A stall of the machine is not a slow client.
        builder.WebHost.ConfigureKestrel(kestrel => (kestrel.Limits.MaxRequestBodySize, kestrel.Limits.MinRequestBodyDataRate, kestrel.Limits.MinResponseDataRate) = (null, null, null));
        configure?.Invoke(builder);
        var server = new Server(builder.Build(), path, version) { Log = log };
        server.Map();
        map?.Invoke(server._app);
        try
        {
            await server._app.StartAsync();
            return server;
        }
        catch
        {
            await server._app.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client that speaks one version, over connections of its own.</summary>
    internal static HttpClient Connect(string path, string version) => new(SharedMemoryHttp.CreateHandler(path))
    {
        BaseAddress = new("http://localhost/"),
        DefaultRequestVersion = System.Version.Parse(version),
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Timeout = Watchdog.Limit,
    };

    internal HttpClient Connect() => Connect(Path, Version);

    /// <summary>Shuts down as a host does.</summary>
    internal Task StopAsync(CancellationToken cancellationToken = default) => _app.StopAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        Release.TrySetResult();
        // Not cleanly, if a failed test has left a request.
        using var impatient = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(impatient.Token);
        await _app.DisposeAsync();
    }

    private void Map()
    {
        _app.MapGet("/hello", () => "hello");
        _app.MapPost("/echo", EchoAsync);
        _app.MapPost("/length", async (HttpRequest request) => (await LengthOf(request.Body)).ToString(CultureInfo.InvariantCulture));
        _app.MapGet("/bytes", WriteBytesAsync);
        _app.MapGet("/wait", WaitAsync);
        _app.MapGet("/forever", WriteForeverAsync);
        _app.MapGet("/hold", async (HttpResponse response) =>
        {
            await response.Body.FlushAsync();
            await Release.Task;
            await response.WriteAsync("held");
        });
        _app.MapGet("/cut", async (HttpContext context) =>
        {
            await context.Response.WriteAsync("half of it");
            await context.Response.Body.FlushAsync();
            context.Abort();
        });
        _app.MapGet("/peer", (HttpContext context) => context.Features.GetRequiredFeature<IPeerCredentialsFeature>().Peer.ProcessId.ToString(CultureInfo.InvariantCulture));
    }

    private static async Task<long> LengthOf(Stream body)
    {
        var (bytes, length) = (new byte[8192], 0L);
        while (await body.ReadAsync(bytes) is > 0 and var read)
        {
            length += read;
        }

        return length;
    }

    private static async Task EchoAsync(HttpContext context)
    {
        // A chunk goes back as soon as it has come: both directions at the same time.
        await context.Response.Body.FlushAsync();
        await context.Request.Body.CopyToAsync(context.Response.Body, context.RequestAborted);
    }

    private async Task WriteBytesAsync(HttpContext context, int count)
    {
        context.Response.ContentLength = count;
        var piece = new byte[1000];
        for (var left = count; left > 0; left -= piece.Length)
        {
            await context.Response.Body.WriteAsync(piece.AsMemory(0, Math.Min(left, piece.Length)), context.RequestAborted);
            Interlocked.Add(ref Written, Math.Min(left, piece.Length));
        }
    }

    private async Task WaitAsync(HttpContext context)
    {
        await context.Response.Body.FlushAsync();
        await UntilAborted(context);
    }

    private async Task WriteForeverAsync(HttpContext context)
    {
        try
        {
            while (true)
            {
                await context.Response.Body.WriteAsync(new byte[1000], context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            await UntilAborted(context);
        }
    }

    private async Task UntilAborted(HttpContext context)
    {
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using (context.RequestAborted.Register(aborted.SetResult))
        {
            await aborted.Task;
            Aborted.TrySetResult();
        }
    }
}
