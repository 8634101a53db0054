// A frame buffer for a Python child, which answers in the same memory: dotnet run samples/11-python-frames.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using Posix.SharedMemory;

const int Width = 640, Height = 480, Frames = 50;
const int PixelBytes = Width * Height;
const int Header = 64;   // 0: frames that are complete, int32; 4: frames that are answered, int32; 8: the answer, int64.

// There is no name, so nothing is left behind, however either process ends. Python gets the descriptor, under the same number.
using var buffer = SharedMemoryObject.CreateAnonymous(Header + PixelBytes, new() { DebugName = "frame" });
buffer.AddSeals(MemorySeals.Shrink | MemorySeals.Grow);

var script = Path.ChangeExtension((string)AppContext.GetData("EntryPointFilePath")!, ".py");   // 11-python-frames.py
var number = (int)buffer.SafeFileHandle.DangerousGetHandle();
var start = new ProcessStartInfo("python3", [script, $"{number}", $"{Frames}", $"{PixelBytes}"])
{
    RedirectStandardInput = true,
    RedirectStandardOutput = true,
};
using var python = Start();
if (python is null)
{
    Console.WriteLine("SKIPPED: there is no python3 on this machine.");
    return 0;
}

using var map = buffer.Map();
var good = true;
for (var frame = 1; frame <= Frames; frame++)
{
    var pixels = map.GetSpan(Header, PixelBytes);
    pixels.Fill((byte)frame);
    Volatile.Write(ref map.GetReference<int>(0), frame);
    await python.StandardInput.WriteLineAsync("ready");
    await python.StandardInput.FlushAsync();
    var answered = await python.StandardOutput.ReadLineAsync();
    good &= answered == $"{frame}" && Volatile.Read(ref map.GetReference<int>(4)) == frame
        && map.GetReference<long>(8) == (PixelBytes + 96) / 97 * (long)frame;
}

python.StandardInput.Close();
await python.WaitForExitAsync();
Console.WriteLine($"python: read {Frames} frames of {Width} x {Height} in place; the answers are {(good ? "right" : "WRONG")}");
return good ? python.ExitCode : 1;

Process? Start()
{
    try
    {
        // Only this child inherits the descriptor.
        return HandleInheritance.Start(start, buffer.SafeFileHandle);
    }
    catch (System.ComponentModel.Win32Exception)
    {
        return null;
    }
}
