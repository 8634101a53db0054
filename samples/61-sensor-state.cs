// The newest state of a sensor, read by three processes: dotnet run samples/61-sensor-state.cs
#:project ../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj

using System.Diagnostics;
using Posix.SharedMemory;
using Posix.SharedMemory.Channels;

if (args is [var given, var access])
{
    // snippet: read
    using var shared = LatestValue<Pose>.Open(given, Enum.Parse<FileAccess>(access));
    using var reader = shared.OpenReader();
    var seen = 0L;
    try
    {
        do
        {
            if (reader.TryRead(out var pose, out var version) && version != seen)
            {
                seen = version;                                       // Whole, and the newest: those between were never looked at.
                if (pose.X + pose.Y != 0)
                {
                    return 1;
                }
            }

            if (access == "ReadWrite")
            {
                await reader.WaitForChangeAsync(seen);                // No thread waits.
            }
        }
        while (reader.Writer is not (PeerState.Left or PeerState.Died));
    }
    catch (PeerLeftException)
    {
        // The sensor was switched off. Its last value stays.
    }

    return seen == 0 ? 2 : 0;
    // end
}

var name = SharedMemoryObject.CreateUniqueName("sample-61");
using var state = LatestValue<Pose>.Create(name);
using var sensor = state.OpenWriter(new() { Label = "sensor" });
sensor.Publish(new(0, 0, 0));
// Two wait for changes; the third may only read, and looks when it likes.
var readers = new[] { "ReadWrite", "ReadWrite", "Read" }.Select(way => Process.Start(Environment.ProcessPath!, [name, way])).ToList();
for (var i = 1; i <= 20_000; i++)
{
    sensor.Publish(new(i, i, -i));                                    // Never waits, whatever the readers do.
    Thread.SpinWait(100);
}

sensor.Dispose();
readers.ForEach(reader => reader.WaitForExit());
Console.WriteLine($"{state.GetStatus().Messages} states; the readers ended with {string.Join(", ", readers.Select(reader => reader.ExitCode))}");
return readers.All(reader => reader.ExitCode == 0) ? 0 : 1;

internal readonly record struct Pose(long Time, double X, double Y);
