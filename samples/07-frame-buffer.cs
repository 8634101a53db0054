// A worker keeps its frame while the camera is switched off: dotnet run samples/07-frame-buffer.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using Posix.SharedMemory;
using Posix.SharedMemory.Inspection;

const int Frames = 100;
const int FrameBytes = 256 << 10;

if (SharedMemoryDirectory.GetUsage().AvailableBytes < (long)Frames * FrameBytes)
{
    Console.WriteLine($"SKIPPED: this sample needs {(long)Frames * FrameBytes >> 20} MiB in /dev/shm.");
    return 0;
}

// A lease keeps the bytes mapped even if another thread disposes the mapping; the compiler does not let its span outlive it.
using var buffer = SharedMemoryObject.CreateUnpublished((long)Frames * FrameBytes);
var camera = buffer.Map();
for (var frame = 0; frame < Frames; frame++)
{
    camera.GetSpan<uint>((long)frame * FrameBytes, FrameBytes / sizeof(uint)).Fill((uint)frame);
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
            var pixels = lease.GetReadOnlySpan<uint>((long)frame * FrameBytes, FrameBytes / sizeof(uint));
            summed += pixels.ContainsAnyExcept((uint)frame) ? 0 : 1;
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
camera.Dispose();   // In the middle of a frame: the worker finishes it, and cannot take another.
worker.Join();

Console.WriteLine($"the worker finished {summed} frames, and then found the camera switched off");
var stillMapped = File.ReadLines("/proc/self/maps").Count(line => line.Contains("/dev/shm/#", StringComparison.Ordinal));
Console.WriteLine($"mapped now: {stillMapped}");
return refused == 1 && summed > 0 && stillMapped == 0 ? 0 : 1;
