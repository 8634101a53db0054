// A camera sends 1080p frames, 60 a second, to three viewers that read them where they are, one of them in Python; one is killed and started again: dotnet run samples/63-camera.cs
#:project ../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj

using System.Diagnostics;
using Posix.SharedMemory;
using Posix.SharedMemory.Channels;
using Posix.SharedMemory.Inspection;
const int Width = 1920, Height = 1080, FrameBytes = Width * Height * 3;
if (args is [var given, var label])
{
    // snippet: read
    using var shared = FrameChannel.Open(given);
    using var reader = shared.OpenReader(new() { Label = label, Restart = PeerRestart.Wait });       // A camera that is restarted is followed.
    var (read, torn) = (0, 0);
    while (reader.WaitToRead(Timeout.InfiniteTimeSpan))               // False: the camera has completed, and everything was read.
    {
        if (reader.TryRead(out var frame))
        {
            using var held = frame;                                   // Until it is disposed, the camera does not fill its slot again.
            torn += held.ReadOnlySpan.ContainsAnyExcept((byte)held.Header.Tag) ? 1 : 0;
            read++;
        }
    }
    // end
    Console.WriteLine($"{label}: {read} frames read, {reader.Missed} missed, {torn} torn");
    return read > 0 && torn == 0 ? 0 : 1;
}

if (SharedMemoryDirectory.GetUsage().AvailableBytes < 11L * FrameBytes)
{
    Console.WriteLine($"SKIPPED: this sample needs {11L * FrameBytes >> 20} MiB in /dev/shm.");
    return 0;
}

var name = SharedMemoryObject.CreateUniqueName("sample-63");
using var camera = FrameChannel.Create(name, new() { SlotLength = FrameBytes, SlotCount = 10, MaxReaders = 4 });
using var writer = camera.OpenWriter();
Process Start(string label) => Process.Start(Environment.ProcessPath!, [name, label]);
Process first = Start("first"), second = Start("second");
var python = Process.Start("sh", ["-c", "exec python3 \"$0\" \"$1\"", Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, "63-camera.py"), name]);
for (int number = 0, more = 30; more > 0; more -= ++number > 90 && writer.Readers.Count(reader => reader.State == PeerState.Alive) >= (python.HasExited ? 2 : 3) ? 1 : 0)
{
    // snippet: write
    using var frame = writer.Loan(FrameBytes);                        // What a killed viewer held is free again.
    frame.Span.Fill((byte)number);                                    // The camera writes here; nothing is copied.
    frame.Header = FrameHeader.ForImage(Width, Height, channels: 3) with { Tag = (byte)number };
    writer.Send(frame);
    // end
    Thread.Sleep(1000 / 60);
    if (number == 45)
    {
        second.Kill();
        second.WaitForExit();
        second = Start("second again");
    }
}

writer.Complete();
var haveEnded = Array.TrueForAll([first, second, python], viewer => viewer.WaitForExit(20_000));
return haveEnded && first.ExitCode + second.ExitCode == 0 && python.ExitCode is 0 or 127 ? 0 : 1;     // 127: there is no Python 3.10 with libatomic.so.1.
