// Two buffers that swap names: dotnet run samples/04-double-buffer.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using Posix.SharedMemory;

const int Frames = 500;   // Even, so that each buffer has its own name again in the end, and removes it.
const int Pixels = 64 << 10;
const int FrameBytes = (1 + Pixels) * sizeof(int);   // The frame's number, then its pixels.

// A reader opens "front" and finds a finished frame. The writer draws the next one in "back" and swaps the two names.
var front = SharedMemoryObject.CreateUniqueName("sample-04-f");
var back = SharedMemoryObject.CreateUniqueName("sample-04-b");
int taken = 0, torn = 0;
using var one = SharedMemoryObject.Create(front, FrameBytes, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var other = SharedMemoryObject.Create(back, FrameBytes, new() { Lifetime = Lifetime.UnlinkOnDispose });
using MemoryMapping first = one.Map(), second = other.Map();
var reader = new Thread(Read) { IsBackground = true };
reader.Start();
for (var frame = 1; frame <= Frames; frame++)
{
    Draw(frame % 2 == 1 ? second : first, frame);
    SharedMemoryObject.Rename(back, front, RenameMode.Exchange);
    Thread.Sleep(1);   // The frame rate.
}

reader.Join();
Console.WriteLine($"{Frames} frames of {FrameBytes >> 10} KiB were swapped in; the reader took {taken} of them, {torn} torn");
return taken > 0 && torn == 0 ? 0 : 1;

static void Draw(MemoryMapping buffer, int frame)
{
    // A reader that is two frames behind may still be reading this buffer: -1 says that it is being drawn again.
    ref var number = ref buffer.GetReference<int>(0);
    Volatile.Write(ref number, -1);
    Volatile.WriteBarrier();
    buffer.GetSpan<int>(sizeof(int), Pixels).Fill(frame);
    Volatile.Write(ref number, frame);
}

void Read()
{
    var pixels = new int[Pixels];
    for (var last = 0; last < Frames;)
    {
        using var memory = SharedMemoryObject.Open(front, FileMode.Open, FileAccess.Read);
        using var mapping = memory.Map();
        ref readonly var number = ref mapping.GetReadOnlyReference<int>(0);

        // If the number is the same before and after, the copy is of one frame.
        var frame = Volatile.Read(in number);
        mapping.GetReadOnlySpan<int>(sizeof(int), Pixels).CopyTo(pixels);
        Volatile.ReadBarrier();
        if (frame != -1 && Volatile.Read(in number) == frame)
        {
            taken++;
            torn += pixels.AsSpan().ContainsAnyExcept(frame) ? 1 : 0;
            last = Math.Max(last, frame);   // A reader that still has the back buffer may see an older frame again.
        }
    }
}
