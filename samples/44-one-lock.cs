// One lock in C#, C and Python, through interop/psm.h and interop/psm.py: dotnet run samples/44-one-lock.cs
#:project ../src/Posix.SharedMemory.Threading/Posix.SharedMemory.Threading.csproj

using System.Diagnostics;
using Posix.SharedMemory;
using Posix.SharedMemory.Threading;

const long Lock = 4096, Counter = 8192;
const int Rounds = 20_000;
var name = SharedMemoryObject.CreateUniqueName("sample-44");
var sources = (string)AppContext.GetData("EntryPointFileDirectoryPath")!;
var program = Path.Combine(Path.GetTempPath(), name);

using var memory = SharedMemoryObject.Create(name, 16384, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = memory.Map();
using var roster = Roster.Join(map);
var mutex = SharedMutex.At(roster, Lock);
try
{
    if (!await RunAsync("cc", "-std=c11", "-O2", "-pthread", "-I" + Path.Combine(sources, "../interop"), "-o", program, Path.Combine(sources, "44-one-lock.c"))
        || !await RunAsync("python3", "-c", "import ctypes, sys; ctypes.CDLL('libatomic.so.1'); sys.exit(sys.version_info < (3, 10))"))
    {
        Console.WriteLine("SKIPPED: this needs a C compiler, and Python 3.10 with libatomic.so.1.");
        return 0;
    }

    // The three of them add at the same time.
    var c = RunAsync(program, "/dev/shm/" + name, $"{Rounds}");
    var python = RunAsync("python3", Path.Combine(sources, "44-one-lock.py"), "/dev/shm/" + name, $"{Rounds}");
    for (var i = 0; i < Rounds; i++)
    {
        using var hold = mutex.Enter();
        map.GetReference<long>(Counter)++;
    }

    var good = await c && await python && map.GetReference<long>(Counter) == 3 * Rounds;
    Console.WriteLine($"{(good ? "Three languages counted" : "WRONG:")} to {map.GetReference<long>(Counter)} under one lock.");
    return good ? 0 : 1;
}
finally
{
    File.Delete(program);
}

static async Task<bool> RunAsync(string file, params string[] arguments)
{
    try
    {
        using var process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardError = true })!;
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0;
    }
    catch (System.ComponentModel.Win32Exception)
    {
        return false;
    }
}
