// A channel that appears on another host, which is the same machine here, over a NATS server: dotnet run samples/70-two-hosts.cs
#:project ../src/Posix.SharedMemory.Bridge.Nats/Posix.SharedMemory.Bridge.Nats.csproj

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Posix.SharedMemory;
using Posix.SharedMemory.Bridge.Nats;
using Posix.SharedMemory.Channels;

using var free = new TcpListener(IPAddress.Loopback, 0);
free.Start();
var port = ((IPEndPoint)free.LocalEndpoint).Port;
free.Stop();
if (Try(() => Process.Start(new ProcessStartInfo("nats-server", ["-a", "127.0.0.1", "-p", $"{port}"]) { RedirectStandardError = true })!) is not { } server)
{
    Console.WriteLine("SKIPPED: nats-server is not installed");
    return 0;
}

var (url, unique) = ($"nats://127.0.0.1:{port}", SharedMemoryObject.CreateUniqueName("sample-70"));
while (Try(() => new TcpClient("127.0.0.1", port)) is not { } client || Disposed(client)) { Thread.Sleep(50); }
using var stop = new CancellationTokenSource();

// Names begin differently on the two hosts, so that one machine can be both.
// snippet: bridge
await using var camera = await NatsBridge.ConnectAsync(url, new() { Host = "camera-7", Export = ["camera.*"], NamePrefix = unique + "-a-" });
await using var control = await NatsBridge.ConnectAsync(url, new() { Host = "control", Import = ["camera.*"], NamePrefix = unique + "-b-" });
control.Lost += loss => Console.WriteLine($"lost {loss.Channel} {loss.First}..{loss.Last} at {loss.Where}");
var running = Task.WhenAll(camera.RunAsync(stop.Token), control.RunAsync(stop.Token));
// end

using var source = MessageChannel.Create(unique + "-a-camera.front");
using var writer = source.OpenWriter();
MessageChannel? appeared;
while ((appeared = Try(() => MessageChannel.Open(unique + "-b-camera.front"))) is null) { Thread.Sleep(50); }
using var target = appeared;
using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
for (var i = 0; i < 100; i++) { writer.Write(Encoding.UTF8.GetBytes($"frame {i}")); }
writer.Complete();
var (received, last) = (0, "");
while (reader.WaitToRead(TimeSpan.FromMinutes(1)))
{
    foreach (var message in reader.ReadAvailable()) { (received, last) = (received + 1, Encoding.UTF8.GetString(message.Span)); }
}

stop.Cancel();
await running;
server.Kill();
Console.WriteLine($"{received} messages came to the other host, the last was '{last}'");
return received == 100 && last == "frame 99" ? 0 : 1;

static bool Disposed(TcpClient client) { client.Dispose(); return false; }
static T? Try<T>(Func<T> make) where T : class
{
    try { return make(); }
    catch (Exception e) when (e is System.ComponentModel.Win32Exception or SocketException or SharedMemoryException) { return null; }
}
