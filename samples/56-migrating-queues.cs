// From Cloudtoid.Interprocess, TinyIpc, and the CircularBuffer of the package SharedMemory: dotnet run samples/56-migrating-queues.cs
#:project ../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj

using Posix.SharedMemory;
using Posix.SharedMemory.Channels;
using Posix.SharedMemory.Inspection;

var name = SharedMemoryObject.CreateUniqueName("sample-56");
var stoppingToken = new CancellationTokenSource(TimeSpan.FromMinutes(1)).Token;
var buffer = new byte[1024];

// snippet: queue
using var queue = FanIn.OpenOrCreate($"{name}-queue", out _, new() { Capacity = 1 << 20 });   // Whichever process comes first creates it.
using var publisher = queue.OpenWriter(new() { Label = "publisher" });
var isQueued = publisher.TryWrite("hello"u8);                    // False: there is no room now. WriteAsync waits for it.

using var subscriber = queue.OpenReader(new() { Label = "subscriber" });
await subscriber.WaitToReadAsync(stoppingToken);                 // No thread waits.
var isRead = subscriber.TryRead(buffer, out var length, out _);
// end

// snippet: bus
// Each process that listens has an inbox. Its name goes with the process.
using var inbox = FanIn.Create($"{name}-bus-{Environment.ProcessId}");
using var incoming = inbox.OpenReader();

// Whoever publishes writes to all of them. Watch the directory (SharedMemoryDirectory.Watch) to learn of those that come later.
var listeners = SharedMemoryDirectory.Enumerate().Where(entry => entry.Name.StartsWith($"{name}-bus-", StringComparison.Ordinal)).Select(entry => FanIn.Open(entry.Name)).ToList();
var writers = listeners.Select(listener => listener.OpenWriter()).ToList();
writers.ForEach(writer => writer.TryWrite("to everyone"u8));     // False for a listener that has no room: it misses this one.
// end

await incoming.WaitToReadAsync(stoppingToken);
var isHeard = incoming.TryRead(buffer, out var heard, out _);
writers.ForEach(writer => writer.Dispose());
listeners.ForEach(listener => listener.Dispose());

// snippet: circular
using var nodes = SharedChannel.OpenOrCreate<Node>($"{name}-nodes", capacity: 64, out _);
using var producer = nodes.OpenWriter();
var written = producer.TryWrite([new(1, 0.5), new(2, 1.5)]);     // How many fitted.

using var consumer = nodes.OpenReader();
var isTaken = consumer.TryRead(out var node);
// end

var good = isQueued && isRead && length == 5 && isHeard && heard == 11 && written == 2 && isTaken && node == new Node(1, 0.5);
Console.WriteLine(good ? "queue, bus and circular buffer work" : "WRONG");
return good ? 0 : 1;

internal readonly record struct Node(int Id, double Value);
