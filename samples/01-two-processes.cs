// Hands a file from one process to another by name: dotnet run samples/01-two-processes.cs -- [FILE]
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Posix.SharedMemory;

const int Window = 16 << 20;   // A span holds at most 2 GiB: longer memory is worked on window by window.
const int EditedBytes = 16;

// Ctrl-C and kill end the program by the ordinary way, past every Dispose.
using var interruption = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
try
{
    switch (args)
    {
        case ["--second", var name, var sha256]:
            return BeTheSecond(name, sha256, interruption.Token);
        case [] or [_]:
            return await BeTheFirst(args is [var path] ? path : ThisFile(), interruption.Token);
        default:
            Console.Error.WriteLine("usage: dotnet run samples/01-two-processes.cs -- [FILE]");
            return 2;
    }
}
catch (OperationCanceledException)
{
    return 130;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
{
    Console.Error.WriteLine($"01-two-processes: {e.Message}");
    return 1;
}

void Cancel(PosixSignalContext signal)
{
    signal.Cancel = true;
    interruption.Cancel();
}

static async Task<int> BeTheFirst(string path, CancellationToken interrupted)
{
    using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
    var length = file.Length;
    var name = SharedMemoryObject.CreateUniqueName("sample-01");
    var good = false;

    try
    {
        // Nobody sees the object before it is filled. Its name goes when it is disposed.
        using var memory = SharedMemoryObject.CreateUnpublished(length, new() { Lifetime = Lifetime.UnlinkOnDispose });
        using var mapping = length > 0 ? memory.Map() : null;   // Nothing can be mapped of an empty object.
        for (var offset = 0L; offset < length; offset += Window)
        {
            interrupted.ThrowIfCancellationRequested();
            file.ReadExactly(mapping!.GetSpan(offset, (int)Math.Min(Window, length - offset)));
        }

        if (file.ReadByte() != -1)
        {
            throw new IOException($"{path} is longer than the {length} bytes it said: it grows, or is no ordinary file.");
        }

        var sha256 = Hash(mapping, interrupted);
        memory.Publish(name);
        Console.WriteLine($"first:  process {Environment.ProcessId} published {path}, {length} bytes, as {name}");
        Console.WriteLine($"first:  SHA-256 {sha256}");

        var self = Environment.ProcessPath!;
        string[] program =
            Path.GetFileNameWithoutExtension(self) == "dotnet" ? [self, Assembly.GetExecutingAssembly().Location] : [self];
        good = await Meets("second", [.. program, "--second", name, sha256], mapping, 0, interrupted)
            && await MeetsPython(name, mapping, interrupted);
    }
    finally
    {
        var gone = !SharedMemoryObject.TryOpen(name, FileAccess.Read, out var left);
        left?.Dispose();
        good &= gone;
        var cause = interrupted.IsCancellationRequested ? "interrupted; " : "";
        Console.WriteLine($"first:  {cause}the object is {(gone ? "gone" : $"still there: {name}")}");
    }

    return good ? 0 : 1;
}

// Starts another process on the object, and looks for its edit: some bytes from an offset on, inverted.
static async Task<bool> Meets(string who, string[] command, MemoryMapping? mapping, long editAt, CancellationToken interrupted)
{
    var edited = (int)Math.Min(EditedBytes, mapping?.Length - editAt ?? 0);
    var before = mapping?.GetReadOnlySpan(editAt, edited).ToArray() ?? [];
    using var process = Process.Start(command[0], command[1..]);
    try
    {
        await process.WaitForExitAsync(interrupted);
    }
    finally
    {
        process.Kill();   // Does nothing to one that has ended.
    }

    interrupted.ThrowIfCancellationRequested();
    if (process.ExitCode != 0)
    {
        Console.WriteLine($"first:  {who} failed with exit code {process.ExitCode}");
        return false;
    }

    if (mapping is null)
    {
        Console.WriteLine($"first:  {who} found the empty object; there was no byte to edit");
        return true;
    }

    var after = mapping.GetReadOnlySpan(editAt, edited);
    var seen = after.SequenceEqual([.. before.Select(b => (byte)~b)]);
    var bytes = $"{Convert.ToHexString(before)} is now {Convert.ToHexString(after)}";
    Console.WriteLine($"first:  {(seen ? "sees" : "does not see")} the edit at {editAt}: {bytes}");
    return seen;
}

static async Task<bool> MeetsPython(string name, MemoryMapping? mapping, CancellationToken interrupted)
{
    // Python to 3.12 removes at exit what it only attached to, if its resource tracker is not told otherwise.
    const string Script = """
        import hashlib, os, signal, sys
        from multiprocessing import resource_tracker, shared_memory
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        name, sha256, edit_at, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
        if sys.version_info >= (3, 13):
            memory = shared_memory.SharedMemory(name, track=False)
        else:
            memory = shared_memory.SharedMemory(name)
            resource_tracker.unregister(memory._name, "shared_memory")
        good = hashlib.sha256(memory.buf).hexdigest() == sha256.lower()
        print(f"python: process {os.getpid()} finds {memory.size} bytes, SHA-256 {'is right' if good else 'is WRONG'}", flush=True)
        for at in range(edit_at, edit_at + count):
            memory.buf[at] ^= 0xFF
        memory.close()
        sys.exit(0 if good else 1)
        """;
    var directories = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
    var python = directories.Select(directory => Path.Combine(directory, "python3")).FirstOrDefault(File.Exists);
    if (python is null || mapping is null)
    {
        Console.WriteLine($"python: skipped, {(python is null ? "there is no python3" : "its SharedMemory opens no empty object")}");
        return true;
    }

    var count = Math.Min(EditedBytes, mapping.Length);
    var editAt = mapping.Length - count;
    string[] command = [python, "-c", Script, name, Hash(mapping, interrupted), $"{editAt}", $"{count}"];
    return await Meets("python", command, mapping, editAt, interrupted);
}

static int BeTheSecond(string name, string sha256, CancellationToken interrupted)
{
    using var memory = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
    using var mapping = memory.Length > 0 ? memory.Map() : null;
    var good = Hash(mapping, interrupted) == sha256;
    var verdict = good ? "is right" : "is WRONG";
    Console.WriteLine($"second: process {Environment.ProcessId} opened {name} read-only, {memory.Length} bytes, SHA-256 {verdict}");
    if (mapping is not null)
    {
        using var writable = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.ReadWrite);
        using var edited = writable.Map(0, Math.Min(EditedBytes, writable.Length));
        foreach (ref var b in edited.GetSpan())
        {
            b = (byte)~b;
        }
    }

    return good ? 0 : 1;
}

static string Hash(MemoryMapping? mapping, CancellationToken interrupted)
{
    using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    for (var offset = 0L; offset < (mapping?.Length ?? 0); offset += Window)
    {
        interrupted.ThrowIfCancellationRequested();
        hash.AppendData(mapping!.GetReadOnlySpan(offset, (int)Math.Min(Window, mapping.Length - offset)));
    }

    return Convert.ToHexString(hash.GetHashAndReset());
}

static string ThisFile() => (string)AppContext.GetData("EntryPointFilePath")!;
