// A frame that a program in another language reads, answers and sends back: dotnet run samples/14-languages.cs -- [COMMAND …]
// The command is the other program, by default Python's. 14-languages.sh compiles and runs those in C, NumPy, Rust, Go and Node too.
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Runtime.InteropServices;
using Posix.SharedMemory;

string[] command = args.Length > 0 ? args : ["python3", Path.ChangeExtension((string)AppContext.GetData("EntryPointFilePath")!, ".py")];
var name = SharedMemoryObject.CreateUniqueName("sample-14");
var answer = SharedMemoryObject.CreateUniqueName("sample-14");
var sum = 0UL;

// The frame has one name; the other program answers with its inverse under another, and with the sum of its pixels in the frame itself.
// snippet: exchange
const int Width = 640, Height = 480, Pixels = 16;   // The pixels begin at 16, after width, height and sum.
using var memory = SharedMemoryObject.Create(name, Pixels + (Width * Height), new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = memory.Map();
map.GetReference<FrameHeader>(0) = new() { Width = Width, Height = Height };
var pixels = map.GetSpan(Pixels, Width * Height);
for (var i = 0; i < pixels.Length; i++)
{
    sum += pixels[i] = (byte)(i * 7);
}

using var other = Process.Start(command[0], [.. command[1..], name, answer]);
other.WaitForExit();
if (other.ExitCode != 0)
{
    SharedMemoryObject.TryUnlink(answer);
    return other.ExitCode;
}

// Their object stays until it is unlinked: here, at the end of the program.
using var made = SharedMemoryObject.Open(answer, FileMode.Open, FileAccess.Read);
using var cleanup = new NameOwner(made);
using var inverse = made.Map();
// end
var isInverse = inverse.GetReadOnlyReference<FrameHeader>(0) is { Width: Width, Height: Height };
for (var i = 0; i < pixels.Length; i++)
{
    isInverse &= inverse.GetReadOnlySpan(Pixels, pixels.Length)[i] == (byte)~pixels[i];
}

var isRight = isInverse && map.GetReference<FrameHeader>(0).Sum == sum;
Console.WriteLine($"{command[0]} {(isRight ? "read the frame and answered" : "answered WRONG")}");
return isRight ? 0 : 1;

// snippet: layout
// Offset 0 width, 4 height, 8 sum of the pixels: fixed widths and explicit offsets, so that every language agrees.
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct FrameHeader
{
    [FieldOffset(0)] public uint Width;
    [FieldOffset(4)] public uint Height;
    [FieldOffset(8)] public ulong Sum;
}
// end
