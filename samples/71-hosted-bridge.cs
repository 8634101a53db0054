// Bridges as services of a host, which begin and end with it: dotnet run samples/71-hosted-bridge.cs
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/Posix.SharedMemory.Bridge.Hosting/Posix.SharedMemory.Bridge.Hosting.csproj

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Posix.SharedMemory;
using Posix.SharedMemory.Bridge.Hosting;
using Posix.SharedMemory.Channels;

using var free = new TcpListener(IPAddress.Loopback, 0);
free.Start();
var port = ((IPEndPoint)free.LocalEndpoint).Port;
free.Stop();
var (url, unique) = ($"nats://127.0.0.1:{port}", SharedMemoryObject.CreateUniqueName("sample-71"));

// Names begin differently on the two hosts, so that one machine, and one program, can be both.
// snippet: bridge
var builder = Host.CreateApplicationBuilder();
builder.Services.AddChannelBridge(url, new() { Host = "camera-7", Export = ["camera.*"], NamePrefix = unique + "-a-" });
builder.Services.AddChannelBridge(url, new() { Host = "control", Import = ["camera.*"], NamePrefix = unique + "-b-" });
using var host = builder.Build();
await host.StartAsync();
// end

// The bridges wait for the server.
if (Try(() => Process.Start(new ProcessStartInfo("nats-server", ["-a", "127.0.0.1", "-p", $"{port}"]) { RedirectStandardError = true })!) is not { } server)
{
    Console.WriteLine("SKIPPED: nats-server is not installed");
    return 0;
}

using var source = MessageChannel.Create(unique + "-a-camera.front");
using var writer = source.OpenWriter();
MessageChannel? appeared;
while ((appeared = Try(() => MessageChannel.Open(unique + "-b-camera.front"))) is null) { Thread.Sleep(50); }
using var target = appeared;
using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
writer.Write("hello"u8);
reader.WaitToRead(TimeSpan.FromMinutes(1));
reader.TryRead(out MessageLease hello);
var length = hello.Span.Length;
hello.Dispose();
await host.StopAsync();
server.Kill();
Console.WriteLine($"{length} bytes came to the other host");
return length == 5 ? 0 : 1;

static T? Try<T>(Func<T> make) where T : class
{
    try { return make(); }
    catch (Exception e) when (e is System.ComponentModel.Win32Exception or SharedMemoryException) { return null; }
}
