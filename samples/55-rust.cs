// Numbers to a Rust program, and their squares back, through interop/psm_channel.h: dotnet run samples/55-rust.cs
#:project ../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj

using System.Diagnostics;
using Posix.SharedMemory;
using Posix.SharedMemory.Channels;

var name = SharedMemoryObject.CreateUniqueName("sample-55");
var sources = (string)AppContext.GetData("EntryPointFileDirectoryPath")!;
var program = Path.Combine(Path.GetTempPath(), name);
try
{
    if (!Shell("{ cc --version && rustc --version; } >/dev/null 2>&1"))
    {
        Console.WriteLine("SKIPPED: this needs a C compiler and rustc.");
        return 0;
    }

    Shell($"cd '{sources}' && cc -std=c11 -O2 -c -I../interop -o {program}.o 55-rust.c && rustc --edition=2021 -O -C link-arg={program}.o -o {program} 55-rust.rs");

    using var numbers = MessageChannel.Create(name + "-numbers", new() { Capacity = 1 << 14 });
    using var squares = MessageChannel.Create(name + "-squares", new() { Capacity = 1 << 14 });
    using var writer = numbers.OpenWriter();
    using var reader = squares.OpenReader();
    using var rust = Process.Start(program, [$"/dev/shm/{name}-numbers", $"/dev/shm/{name}-squares"]);
    var (good, bytes) = (0L, new byte[8]);
    for (var number = 1L; number <= 10_000; number++)
    {
        writer.Write(BitConverter.GetBytes(number), timeout: TimeSpan.FromMinutes(1));
        while (reader.TryRead(bytes, out _, out _))
        {
            good += BitConverter.ToInt64(bytes) == (good + 1) * (good + 1) ? 1 : 0;
        }
    }

    writer.Complete();
    await foreach (var square in reader.ReadAllAsync(new CancellationTokenSource(TimeSpan.FromMinutes(1)).Token))
    {
        good += BitConverter.ToInt64(square.Span) == (good + 1) * (good + 1) ? 1 : 0;
    }

    rust.WaitForExit();
    Console.WriteLine($"{good} squares from Rust, in order; exit code {rust.ExitCode}");
    return good == 10_000 ? rust.ExitCode : 1;
}
finally
{
    File.Delete(program);
    File.Delete(program + ".o");
}

static bool Shell(string line)
{
    using var process = Process.Start("sh", ["-c", line]);
    process.WaitForExit();
    return process.ExitCode == 0;
}
