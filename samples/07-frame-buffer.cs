// Frames lent to a worker while the camera is switched off: dotnet run samples/07-frame-buffer.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using Posix.SharedMemory;

const int Frames = 100;
const int FrameBytes = 256 << 10;

// A lease keeps the bytes mapped, whoever disposes the mapping meanwhile; the compiler keeps its span inside the lease.
using var buffer = SharedMemoryObject.CreateUnpublished((long)Frames * FrameBytes);
var camera = buffer.Map();
for (var frame = 0; frame < Frames; frame++)
{
    camera.GetSpan((long)frame * FrameBytes, FrameBytes).Fill((byte)frame);
}

var summed = 0;
var refused = 0;
using var working = new ManualResetEventSlim();
var worker = new Thread(() =>
{
    for (var frame = 0; ; frame = (frame + 1) % Frames)
    {
        try
        {
            using var lease = camera.Acquire();
            var pixels = lease.GetReadOnlySpan((long)frame * FrameBytes, FrameBytes);
            summed += pixels.ContainsAnyExcept((byte)frame) ? 0 : 1;
            working.Set();
        }
        catch (ObjectDisposedException)
        {
            refused++;
            return;
        }
    }
});
worker.Start();
working.Wait();
camera.Dispose();   // In the middle of a frame: the worker finishes it, and gets no further one.
worker.Join();

Console.WriteLine($"the worker summed up {summed} frames, then was told that the camera is off");
var stillMapped = File.ReadLines("/proc/self/maps").Count(line => line.Contains("/dev/shm/#", StringComparison.Ordinal));
Console.WriteLine($"mapped now: {stillMapped}");
return refused == 1 && summed > 0 && stillMapped == 0 ? 0 : 1;
