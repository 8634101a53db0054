// A frame that C, Python, NumPy, Rust, Go and Node read, answer and send back: dotnet run samples/14-languages.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Posix.SharedMemory;

const int Skipped = 77;
var sources = Path.GetDirectoryName((string)AppContext.GetData("EntryPointFilePath")!)!;
var scratch = Directory.CreateTempSubdirectory("sample-14-");
var program = Path.Combine(scratch.FullName, "frame");
(string Language, string[] Version, string[] Compile, string[] Run)[] sides =
[
    ("C", ["cc", "--version"], ["cc", "-O2", "-Wall", "-o", program, Source("14-languages.c")], [program]),
    ("Python", ["python3", "--version"], [], ["python3", Source("14-languages.py")]),
    ("NumPy", [FindNumPy(), "--version"], [], [FindNumPy(), Source("14-numpy.py")]),
    ("Rust", ["rustc", "--version"], ["rustc", "--edition=2021", "-O", "-o", program, Source("14-languages.rs")], [program]),
    ("Go", ["go", "version"], ["go", "build", "-o", program, Source("14-languages.go")], [program]),
    ("Node", ["node", "--version"], [], ["node", Source("14-languages.js")]),
];
try
{
    var wrong = 0;
    foreach (var (language, version, compile, run) in sides)
    {
        // A command may exist and still not work: rustup without a toolchain, pyenv without a version.
        if (Run(version, isQuiet: true) != 0)
        {
            Console.WriteLine($"SKIPPED: {language} is missing on this machine.");
            continue;
        }

        var name = SharedMemoryObject.CreateUniqueName("sample-14");
        var answer = SharedMemoryObject.CreateUniqueName("sample-14");
        var code = compile.Length > 0 ? Run(compile) : 0;
        var verdict = code == 0 ? Exchange(name, answer, () => code = Run([.. run, name, answer])) : "did not compile";
        wrong += code == Skipped || verdict == "right" ? 0 : 1;
        Console.WriteLine(code == Skipped ? $"SKIPPED: {language} is missing on this machine." : $"{language}: {verdict}");
    }

    return wrong;
}
finally
{
    scratch.Delete(recursive: true);
}

string Source(string file) => Path.Combine(sources, file);

// The frame has one name; the other program answers with its inverse under another, and with the sum of its pixels in the frame itself.
static string Exchange(string name, string answer, Func<int> letThemWork)
{
    // snippet: exchange
    const int Width = 640, Height = 480, Pixels = 16;   // The pixels begin at 16, after width, height and sum.
    using var memory = SharedMemoryObject.Create(name, Pixels + (Width * Height), new() { Lifetime = Lifetime.UnlinkOnDispose });
    using var map = memory.Map();
    map.GetReference<FrameHeader>(0) = new() { Width = Width, Height = Height };
    var pixels = map.GetSpan(Pixels, Width * Height);
    for (var i = 0; i < pixels.Length; i++)
    {
        pixels[i] = (byte)(i * 7);
    }

    if (letThemWork() != 0)
    {
        SharedMemoryObject.TryUnlink(answer);
        return "failed";
    }

    // Their object stays until it is unlinked: here, at the end of this method.
    using var made = SharedMemoryObject.Open(answer, FileMode.Open, FileAccess.Read);
    using var cleanup = new NameOwner(made);
    using var inverse = made.Map();
    // end
    var header = inverse.GetReadOnlyReference<FrameHeader>(0);
    var sum = 0L;
    foreach (var (pixel, inverted) in pixels.ToArray().Zip(inverse.GetReadOnlySpan(Pixels, Width * Height).ToArray()))
    {
        sum += pixel;
        if (inverted != (byte)~pixel)
        {
            return "a pixel is WRONG";
        }
    }

    return header is { Width: Width, Height: Height } && map.GetReference<FrameHeader>(0).Sum == (ulong)sum ? "right" : "the header is WRONG";
}

// The first python3 of the PATH that has NumPy: the first of all may be another installation without it.
static string FindNumPy() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
    .Select(directory => Path.Combine(directory, "python3"))
    .FirstOrDefault(python => File.Exists(python) && Run([python, "-c", "import numpy"], isQuiet: true) == 0, "no python3 with numpy");

static int Run(string[] command, bool isQuiet = false)
{
    try
    {
        ProcessStartInfo start = new(command[0], command[1..]) { RedirectStandardOutput = isQuiet, RedirectStandardError = isQuiet };
        using var process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode;
    }
    catch (Win32Exception)
    {
        return Skipped;
    }
}

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
