// The ring of Posix.SharedMemory.Channels between two processes, beside the same protocol in C: dotnet run -c Release benchmarks/ring/ring.cs
//
// First, how long a message keeps one thread that has both ends: written and read, 64 bytes one by one and 8 bytes in batches of 128. The medians of many short bursts also
// hold on a machine that is busy. Then, between two processes: messages of 64 bytes one by one, of 8 bytes in batches, and a ping-pong of 64 bytes that polls. The
// candidates take turns, each process on a processor of its own; the medians of the rounds are printed, and their ratio. Nothing is said about a machine with one processor.
#:project ../../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj
#:property AllowUnsafeBlocks=true
#:property Nullable=enable
#:property RunAnalyzers=false

using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Posix.SharedMemory;
using Posix.SharedMemory.Channels;

if (args is ["end", var there, var back, var question, var role, var number])
{
    return End(there, back, question, role == "read", long.Parse(number, CultureInfo.InvariantCulture));
}

if (args is ["alone", var only])
{
    Console.WriteLine(Alone(only));
    return 0;
}

if (Environment.ProcessorCount < 2)
{
    Console.WriteLine("SKIPPED: two processes that poll need two processors.");
    return 0;
}

var directory = Directory.CreateTempSubdirectory("ring");
var program = Path.Combine(directory.FullName, "ring");
using (var compiler = Process.Start("cc", ["-O2", "-std=c11", "-pthread", "-o", program, Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, "ring.c")]))
{
    compiler.WaitForExit();
    if (compiler.ExitCode != 0)
    {
        return 1;
    }
}

var rounds = args is [var given] ? int.Parse(given, CultureInfo.InvariantCulture) : 7;
Console.WriteLine($"| question | C, ns | C#, ns | C / C# | rounds: C, C# |");
Console.WriteLine("|---|---|---|---|---|");
var (aloneInC, aloneHere) = (new List<double[]>(), new List<double[]>());
for (var round = 0; round < rounds; round++)
{
    aloneInC.Add(MeasureAlone(program));
    aloneHere.Add(MeasureAlone(null));
}

foreach (var (index, name) in ((int, string)[])[(0, "one thread: write64"), (1, "one thread: read64"), (2, "one thread: batch8, written"), (3, "one thread: batch8, read")])
{
    Report(name, [.. aloneInC.Select(of => of[index])], [.. aloneHere.Select(of => of[index])]);
}

foreach (var (name, count) in ((string, long)[])[("write64", 10_000_000), ("batch8", 50_000_000), ("pong", 500_000)])
{
    List<double> inC = [], here = [];
    for (var round = 0; round < rounds; round++)
    {
        inC.Add(Measure(name, count, program));
        here.Add(Measure(name, count, null));
    }

    Report(name, inC, here);
}

directory.Delete(recursive: true);
return 0;

static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

static void Report(string name, List<double> inC, List<double> here)
{
    double c = Median(inC), ours = Median(here);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {c:F2} | {ours:F2} | {c / ours:F2} | {string.Join(" ", inC)}, {string.Join(" ", here)} |"));
}

// Nanoseconds for each message of one thread that has both ends.
static double[] MeasureAlone(string? program)
{
    using var there = MessageChannel.Create(SharedMemoryObject.CreateUniqueName("ring"));
    string path = $"/dev/shm/{there.Memory.Name}", length = $"{there.Memory.Length}";
    string[] arguments = program is null ? ["alone", there.Memory.Name!] : [path, length, path, length, "alone", "both", "0"];
    using var process = Process.Start(new ProcessStartInfo(program ?? Environment.ProcessPath!, arguments) { RedirectStandardOutput = true, UseShellExecute = false })!;
    var line = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The ends did not open.");
    process.WaitForExit();
    return [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(text => long.Parse(text, CultureInfo.InvariantCulture) / 1000.0)];
}

static string Alone(string name)
{
    const int Bursts = 20_000, Burst = 256;
    using var channel = MessageChannel.Open(name);
    using var writer = channel.OpenWriter();
    using var reader = channel.OpenReader();
    var times = new long[4][];
    for (var i = 0; i < times.Length; i++)
    {
        times[i] = new long[Bursts];
    }

    for (var burst = 0; burst < Bursts; burst++)
    {
        var start = Stopwatch.GetTimestamp();
        Write(writer, Burst);
        var written = Stopwatch.GetTimestamp();
        ReadBurst(reader, Burst);
        var read = Stopwatch.GetTimestamp();
        Batch(writer, Burst);
        var batched = Stopwatch.GetTimestamp();
        ReadBurst(reader, Burst);
        (times[0][burst], times[1][burst], times[2][burst], times[3][burst]) = (written - start, read - written, batched - read, Stopwatch.GetTimestamp() - batched);
    }

    return string.Join(' ', times.Select(of => of.Order().ElementAt(Bursts / 2) * (1_000_000_000_000 / Stopwatch.Frequency) / Burst));
}

[MethodImpl(MethodImplOptions.AggressiveOptimization)]
static void ReadBurst(MessageReader reader, long count)
{
    var (read, sum) = (0L, 0L);
    foreach (var message in reader.ReadAvailable())
    {
        read++;
        sum += message.Span[0];
    }

    if (read != count || sum != count)
    {
        throw new InvalidOperationException($"{read} messages of {count} came.");
    }
}

// Nanoseconds for each message, or for each turn of the ping-pong.
static double Measure(string question, long count, string? program)
{
    using var there = MessageChannel.Create(SharedMemoryObject.CreateUniqueName("ring"));
    using var back = MessageChannel.Create(SharedMemoryObject.CreateUniqueName("ring"));
    using var writer = Start("write");
    using var reader = Start("read");
    foreach (var process in (Process[])[writer, reader])
    {
        if (process.StandardOutput.ReadLine() != "open")
        {
            throw new InvalidOperationException("An end did not open.");
        }
    }

    foreach (var process in (Process[])[reader, writer])
    {
        process.StandardInput.WriteLine("go");
        process.StandardInput.Flush();
    }

    var time = long.Parse(reader.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture) / 1000.0;
    foreach (var process in (Process[])[reader, writer])
    {
        process.StandardInput.WriteLine("end");
        process.StandardInput.Flush();
        process.WaitForExit();
    }

    return time;

    Process Start(string role)
    {
        string[] ends = [there.Memory.Name!, back.Memory.Name!], last = [question, role, count.ToString(CultureInfo.InvariantCulture)];
        string[] arguments = program is null ? ["end", .. ends, .. last]
            : [$"/dev/shm/{ends[0]}", $"{there.Memory.Length}", $"/dev/shm/{ends[1]}", $"{back.Memory.Length}", .. last];
        return Process.Start(new ProcessStartInfo(program ?? Environment.ProcessPath!, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false })!;
    }
}

static int End(string there, string back, string question, bool isReader, long count)
{
    Process.GetCurrentProcess().ProcessorAffinity = isReader ? 2 : 1;
    using var channel = MessageChannel.Open(there);
    using var other = MessageChannel.Open(back);
    using var writer = isReader ? null : channel.OpenWriter();
    using var reader = isReader ? channel.OpenReader() : null;
    using var answers = question != "pong" ? null : isReader ? other.OpenWriter() : null;
    using var answered = question != "pong" ? null : isReader ? null : other.OpenReader();
    Console.WriteLine("open");
    Console.ReadLine();
    // The first tenth warms up: the just-in-time compiler is not what is asked about.
    var time = (question, isReader) switch
    {
        ("pong", true) => Answer(reader!, answers!, count),
        ("pong", false) => Ask(writer!, answered!, count),
        (_, true) => Read(reader!, count),
        ("batch8", _) => Batch(writer!, count),
        _ => Write(writer!, count),
    };
    if (isReader)
    {
        Console.WriteLine(time.ToString(CultureInfo.InvariantCulture));
    }

    Console.ReadLine();
    return 0;
}

[MethodImpl(MethodImplOptions.AggressiveOptimization)]
static long Write(MessageWriter writer, long count)
{
    Span<byte> bytes = stackalloc byte[64];
    bytes.Fill(1);
    for (var n = 0L; n < count;)
    {
        if (writer.TryWrite(bytes))
        {
            n++;
        }
        else
        {
            Thread.SpinWait(1);
        }
    }

    return 0;
}

[MethodImpl(MethodImplOptions.AggressiveOptimization)]
static long Batch(MessageWriter writer, long count)
{
    Span<byte> bytes = stackalloc byte[8];
    bytes.Fill(1);
    for (var n = 0L; n < count;)
    {
        var from = n;
        using (var batch = writer.BeginBatch())
        {
            while (n < count && n - from < 128 && batch.TryWrite(bytes))
            {
                n++;
            }
        }

        if (n - from < 128)
        {
            Thread.SpinWait(1);
        }
    }

    return 0;
}

[MethodImpl(MethodImplOptions.AggressiveOptimization)]
static long Read(MessageReader reader, long count)
{
    var (read, sum, start) = (0L, 0L, 0L);
    while (read < count)
    {
        foreach (var message in reader.ReadAvailable())
        {
            if (read++ == 0)
            {
                start = Stopwatch.GetTimestamp();
            }

            sum += message.Span[0];
        }
    }

    return sum == count ? (long)(Stopwatch.GetElapsedTime(start).TotalNanoseconds * 1000 / count) : -1;
}

[MethodImpl(MethodImplOptions.AggressiveOptimization)]
static long Answer(MessageReader reader, MessageWriter writer, long count)
{
    Span<byte> bytes = stackalloc byte[64];
    var start = 0L;
    for (var n = 0L; n < count; n++)
    {
        if (n == count / 10)
        {
            start = Stopwatch.GetTimestamp();
        }

        MessageLease message;
        while (!reader.TryRead(out message))
        {
            // The other process answers at once.
        }

        message.Dispose();
        writer.TryWrite(bytes);
    }

    return (long)(Stopwatch.GetElapsedTime(start).TotalNanoseconds * 1000 / (count - (count / 10)));
}

[MethodImpl(MethodImplOptions.AggressiveOptimization)]
static long Ask(MessageWriter writer, MessageReader reader, long count)
{
    Span<byte> bytes = stackalloc byte[64];
    for (var n = 0L; n < count; n++)
    {
        writer.TryWrite(bytes);
        MessageLease message;
        while (!reader.TryRead(out message))
        {
            // As above.
        }

        message.Dispose();
    }

    return 0;
}
