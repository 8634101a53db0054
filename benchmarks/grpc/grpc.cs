// gRPC through shared memory, a Unix socket and TCP, client and server each a process: dotnet run -c Release benchmarks/grpc/grpc.cs [ROUNDS]
//
// Unary calls one after the other, with little and with 64 KiB in both directions; 16 at a time; and the messages of a stream. The three take turns; the medians of the rounds are printed, and the ratio of shared memory to each other one.
#:sdk Microsoft.NET.Sdk.Web
#:project ../../src/Posix.SharedMemory.AspNetCore/Posix.SharedMemory.AspNetCore.csproj
#:project ../../samples/grpc/Greeter.csproj
#:property RunAnalyzers=false
#:property PublishAot=false

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Greeting;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Posix.SharedMemory.AspNetCore;

const int Calls = 1000, Parallel = 16, Streamed = 20_000, Big = 64 << 10;
if (args is ["serve", var place])
{
    var builder = WebApplication.CreateSlimBuilder();
    builder.Logging.ClearProviders();
    builder.WebHost.UseSharedMemory(Path.Combine(place, "shm"), listen => listen.Protocols = HttpProtocols.Http2);
    builder.WebHost.ConfigureKestrel(kestrel =>
    {
        kestrel.ListenUnixSocket(Path.Combine(place, "unix"), listen => listen.Protocols = HttpProtocols.Http2);
        kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
    });
    builder.Services.AddGrpc();
    await using var app = builder.Build();
    app.MapGrpcService<GreeterService>();
    await app.StartAsync();
    Console.WriteLine(app.Urls.Single(url => url.Contains("127.0.0.1", StringComparison.Ordinal)));
    Console.ReadLine();
    return 0;
}

var rounds = args is [var given] ? int.Parse(given, CultureInfo.InvariantCulture) : 7;
var directory = Directory.CreateTempSubdirectory("grpc");
using var server = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["serve", directory.FullName]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
var tcp = server.StandardOutput.ReadLine()!;
(string Name, Greeter.GreeterClient Client)[] sides =
[
    ("shared memory", Over("http://localhost", SharedMemoryHttp.CreateHandler(Path.Combine(directory.FullName, "shm")))),
    ("Unix socket", Over("http://localhost", new() { ConnectCallback = ConnectToUnix })),
    ("TCP", Over(tcp, new())),
];
var rows = new Dictionary<string, Dictionary<string, List<double>>>();
for (var round = -1; round < rounds; round++)
{
    foreach (var (name, client) in sides)
    {
        var (median, late) = await OneByOneAsync(client, "");
        Add("unary, µs, median", name, median);
        Add("unary, µs, 99 of 100", name, late);
        Add("unary with 64 KiB both ways, µs, median", name, (await OneByOneAsync(client, new string('x', Big))).Median);
        Add("unary, 16 at a time, calls/s", name, await AtATimeAsync(client));
        Add("streamed, messages/s", name, await StreamAsync(client));

        void Add(string row, string side, double value)
        {
            if (round >= 0)
            {
                if (!rows.TryGetValue(row, out var values))
                {
                    rows.Add(row, values = []);
                }

                values.TryAdd(side, []);
                values[side].Add(value);
            }
        }
    }
}

server.StandardInput.Close();
server.WaitForExit();
directory.Delete(recursive: true);
Console.WriteLine($"| | {string.Join(" | ", sides.Select(side => side.Name))} | to Unix socket | to TCP |\n|---|---|---|---|---|---|");
foreach (var (row, values) in rows)
{
    var medians = sides.Select(side => Median(values[side.Name])).ToArray();
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {row} | {string.Join(" | ", medians.Select(value => value.ToString("#,0", CultureInfo.InvariantCulture)))} | {medians[0] / medians[1]:0.00} | {medians[0] / medians[2]:0.00} |"));
}

return 0;

static Greeter.GreeterClient Over(string address, SocketsHttpHandler handler) => new(GrpcChannel.ForAddress(address, new() { HttpHandler = handler }));

async ValueTask<Stream> ConnectToUnix(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
{
    var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(directory.FullName, "unix")), cancellationToken);
    return new NetworkStream(socket, ownsSocket: true);
}

static async Task<(double Median, double Late)> OneByOneAsync(Greeter.GreeterClient client, string text)
{
    var times = new List<double>(Calls);
    for (var call = 0; call < Calls; call++)
    {
        var start = Stopwatch.GetTimestamp();
        await client.SayHelloAsync(new() { Text = text });
        times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
    }

    times.Sort();
    return (times[Calls / 2], times[Calls * 99 / 100]);
}

static async Task<double> AtATimeAsync(Greeter.GreeterClient client)
{
    var start = Stopwatch.GetTimestamp();
    await Task.WhenAll(Enumerable.Range(0, Parallel).Select(async _ =>
    {
        for (var call = 0; call < Calls / 4; call++)
        {
            await client.SayHelloAsync(new());
        }
    }));
    return Parallel * (Calls / 4) / Stopwatch.GetElapsedTime(start).TotalSeconds;
}

static async Task<double> StreamAsync(Greeter.GreeterClient client)
{
    var start = Stopwatch.GetTimestamp();
    using var counting = client.Count(new() { Number = Streamed });
    await foreach (var _ in counting.ResponseStream.ReadAllAsync())
    {
    }

    return Streamed / Stopwatch.GetElapsedTime(start).TotalSeconds;
}

static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

internal sealed class GreeterService : Greeter.GreeterBase
{
    public override Task<Hello> SayHello(Hello request, ServerCallContext context) => Task.FromResult(request);

    public override async Task Count(Hello request, IServerStreamWriter<Hello> responses, ServerCallContext context)
    {
        for (var number = 1; number <= request.Number; number++)
        {
            await responses.WriteAsync(new() { Number = number });
        }
    }
}
