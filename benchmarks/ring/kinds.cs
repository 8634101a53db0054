// Fan-in, latest value and broadcast of Posix.SharedMemory.Channels beside the same protocols in C, and a ring between two processes beside what else .NET has: dotnet run -c Release benchmarks/ring/kinds.cs [ROUNDS]
//
// First, how long a message or value of 64 bytes keeps one thread that has both ends: the medians of many short bursts also hold on a machine that is busy. Then two writers and a
// reader of a fan-in, and the writer and one or two readers of a broadcast, each a process, which sleep where they must wait. Last, 64 bytes at a time from one side to another: a SharedChannel and a pipe between two processes, and a
// bounded channel of System.Threading.Channels between two threads. The candidates take turns; the medians of the rounds are printed, and their ratio.
#:project ../../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj
#:property AllowUnsafeBlocks=true
#:property Nullable=enable
#:property RunAnalyzers=false

using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Posix.SharedMemory;
using Posix.SharedMemory.Channels;

const int Bursts = 20_000, Burst = 128;
const long Messages = 2_000_000, Warming = 2_000_000, PipeMessages = 200_000;
switch (args)
{
    case ["fanin", var name]: Console.WriteLine(AloneInFanIn(name)); return 0;
    case ["latest", var name]: Console.WriteLine(AloneInLatest(name)); return 0;
    case ["broadcast", var name, var readers]: Console.WriteLine(AloneInBroadcast(name, (int)Number(readers))); return 0;
    case ["cast", var name, var count]: return Cast(name, Number(count));
    case ["hear", var name, var count]: return Hear(name, Number(count));
    case ["write", var name, var count]: return WriteFanIn(name, Number(count));
    case ["read", var name, var count]: return ReadFanIn(name, Number(count));
    case ["elements", var name, var count]: return WriteElements(name, Number(count));
    case ["pipe", var count]: return WritePipe(Number(count));
}

var rounds = args is [var given] ? int.Parse(given, CultureInfo.InvariantCulture) : 7;
var directory = Directory.CreateTempSubdirectory("kinds");
var program = Path.Combine(directory.FullName, "kinds");
using (var compiler = Process.Start("cc", ["-O2", "-std=c11", "-pthread", "-o", program, Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, "kinds.c")]))
{
    compiler.WaitForExit();
    if (compiler.ExitCode != 0)
    {
        return 1;
    }
}

var rows = new Dictionary<string, List<double>>();
for (var round = 0; round < rounds; round++)
{
    foreach (var c in (bool[])[true, false])
    {
        var side = c ? "C" : "C#";
        var (written, read) = InOneThread("fanin", c);
        Add("fan-in, written 64 B, one thread", side, written);
        Add("fan-in, read 64 B, one thread", side, read);
        (written, read) = InOneThread("latest", c);
        Add("latest value, published 64 B, one thread", side, written);
        Add("latest value, read 64 B, one thread", side, read);
        foreach (var (readers, text) in ((int, string)[])[(1, "one reader"), (2, "two readers")])
        {
            (written, read) = InOneThread("broadcast", c, readers);
            Add($"broadcast to {text}, written 64 B, one thread", side, written);
            Add($"broadcast to {text}, read 64 B by each, one thread", side, read);
            Add($"broadcast of 64 B to {text}, a process each", side, ToReaders(c, readers));
        }

        Add("fan-in, two writers of 64 B, three processes", side, TwoWriters(c));
    }

    Add("64 B to another process by a SharedChannel", "ring", ByRing());
    Add("64 B to another process by a pipe", "pipe", ByPipe());
    Add("64 B to another thread by System.Threading.Channels", "bounded", ByBaseLibrary());
}

Console.WriteLine("| question | C, ns | C#, ns | C / C# |\n|---|---|---|---|");
foreach (var question in rows.Keys.Where(key => key.EndsWith("|C", StringComparison.Ordinal)).Select(key => key[..^2]))
{
    double inC = Median($"{question}|C"), here = Median($"{question}|C#");
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {question} | {inC:F2} | {here:F2} | {inC / here:F2} |"));
}

var ring = Median("64 B to another process by a SharedChannel|ring");
Console.WriteLine("\n| question | ns | beside the ring |\n|---|---|---|");
foreach (var key in rows.Keys.Where(key => key.StartsWith("64 B", StringComparison.Ordinal)))
{
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {key[..key.IndexOf('|', StringComparison.Ordinal)]} | {Median(key):F1} | {Median(key) / ring:F2} |"));
}

directory.Delete(recursive: true);
return 0;

static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

void Add(string question, string side, double time)
{
    if (!rows.TryGetValue($"{question}|{side}", out var list))
    {
        rows.Add($"{question}|{side}", list = []);
    }

    list.Add(time);
}

double Median(string key) => rows[key].Order().ElementAt(rows[key].Count / 2);

Process Start(string file, params string[] arguments) =>
    Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false })!;

(double Written, double Read) InOneThread(string kind, bool inC, int readers = 0)
{
    using var broadcast = kind == "broadcast" ? Broadcast.Create(SharedMemoryObject.CreateUniqueName("kinds")) : null;
    using var fanIn = kind == "fanin" ? FanIn.Create(SharedMemoryObject.CreateUniqueName("kinds")) : null;
    using var latest = kind == "latest" ? LatestBytes.Create(SharedMemoryObject.CreateUniqueName("kinds"), new() { MaxLength = 64 }) : null;
    var memory = fanIn?.Memory ?? latest?.Memory ?? broadcast!.Memory;
    using var process = inC ? Start(program, $"/dev/shm/{memory.Name}", $"{memory.Length}", "alone-" + kind, $"{readers}") : Start(Environment.ProcessPath!, [kind, memory.Name!, .. readers == 0 ? Array.Empty<string>() : [$"{readers}"]]);
    var times = process.StandardOutput.ReadLine()!.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    process.WaitForExit();
    return (Number(times[0]) / 1000.0, Number(times[1]) / 1000.0);
}

double TwoWriters(bool inC)
{
    using var fanIn = FanIn.Create(SharedMemoryObject.CreateUniqueName("kinds"));
    string[] all = [$"{Messages}"], half = [$"{Messages / 2}"], place = [$"/dev/shm/{fanIn.Memory.Name}", $"{fanIn.Memory.Length}"];
    using var reader = inC ? Start(program, [.. place, "read", .. all]) : Start(Environment.ProcessPath!, ["read", fanIn.Memory.Name!, .. all]);
    using var one = inC ? Start(program, [.. place, "write", .. half]) : Start(Environment.ProcessPath!, ["write", fanIn.Memory.Name!, .. half]);
    using var two = inC ? Start(program, [.. place, "write", .. half]) : Start(Environment.ProcessPath!, ["write", fanIn.Memory.Name!, .. half]);
    foreach (var process in (Process[])[reader, one, two])
    {
        process.StandardOutput.ReadLine();
    }

    foreach (var process in (Process[])[reader, one, two])
    {
        process.StandardInput.WriteLine("go");
        process.StandardInput.Flush();
    }

    var time = Number(reader.StandardOutput.ReadLine()!) / 1000.0;
    foreach (var process in (Process[])[reader, one, two])
    {
        process.WaitForExit();
    }

    return time;
}

double ToReaders(bool inC, int readers)
{
    using var broadcast = Broadcast.Create(SharedMemoryObject.CreateUniqueName("kinds"));
    string[] place = [$"/dev/shm/{broadcast.Memory.Name}", $"{broadcast.Memory.Length}"];
    var processes = Enumerable.Range(0, readers).Select(_ => Begin("hear")).ToList();
    var writer = Begin("cast");
    writer.StandardInput.WriteLine("go");
    writer.StandardInput.Flush();
    var time = Number(writer.StandardOutput.ReadLine()!) / 1000.0;
    foreach (var process in processes.Append(writer))
    {
        process.WaitForExit();
        process.Dispose();
    }

    return time;

    Process Begin(string role)
    {
        var process = inC ? Start(program, [.. place, role, $"{Messages}"]) : Start(Environment.ProcessPath!, role, broadcast.Memory.Name!, $"{(role == "hear" ? Messages + Warming : Messages)}");
        process.StandardOutput.ReadLine();
        return process;
    }
}

double ByRing()
{
    using var channel = SharedChannel.Create<Element>(SharedMemoryObject.CreateUniqueName("kinds"), 16_384);
    using var reader = channel.OpenReader();
    using var process = Start(Environment.ProcessPath!, "elements", channel.Memory.Name!, $"{Messages}");
    process.StandardOutput.ReadLine();
    process.StandardInput.WriteLine("go");
    process.StandardInput.Flush();
    var time = ReadAll(reader, Messages);
    process.WaitForExit();
    return time;
}

double ByPipe()
{
    using var process = Start(Environment.ProcessPath!, "pipe", $"{PipeMessages}");
    var stream = process.StandardOutput.BaseStream;
    var bytes = new byte[64];
    stream.ReadExactly(bytes);
    var start = Stopwatch.GetTimestamp();
    for (var n = 1L; n < PipeMessages; n++)
    {
        stream.ReadExactly(bytes);
    }

    var time = Stopwatch.GetElapsedTime(start).TotalNanoseconds / PipeMessages;
    process.WaitForExit();
    return time;
}

double ByBaseLibrary()
{
    var channel = Channel.CreateBounded<Element>(new BoundedChannelOptions(16_384) { SingleReader = true, SingleWriter = true });
    var writing = Task.Run(() => WriteAll(channel.Writer, Messages));
    var time = ReadAll(channel.Reader, Messages);
    writing.Wait();
    return time;
}

[MethodImpl(MethodImplOptions.AggressiveOptimization)]
static double ReadAll(ChannelReader<Element> reader, long count)
{
    var start = 0L;
    for (var read = 0L; read < count;)
    {
        if (!reader.TryRead(out _))
        {
            Thread.SpinWait(4);
        }
        else if (read++ == 0)
        {
            start = Stopwatch.GetTimestamp();
        }
    }

    return Stopwatch.GetElapsedTime(start).TotalNanoseconds / count;
}

[MethodImpl(MethodImplOptions.AggressiveOptimization)]
static void WriteAll(ChannelWriter<Element> writer, long count)
{
    for (var n = 0L; n < count;)
    {
        if (writer.TryWrite(default))
        {
            n++;
        }
        else
        {
            Thread.SpinWait(4);
        }
    }
}

static int WriteElements(string name, long count)
{
    using var channel = SharedChannel.Open<Element>(name);
    using var writer = channel.OpenWriter();
    Console.WriteLine("open");
    Console.ReadLine();
    WriteAll(writer, count);
    return 0;
}

static int WritePipe(long count)
{
    using var output = Console.OpenStandardOutput();
    var bytes = new byte[64];
    for (var n = 0L; n < count; n++)
    {
        output.Write(bytes);
    }

    return 0;
}

static string AloneInFanIn(string name)
{
    using var fanIn = FanIn.Open(name);
    using var writer = fanIn.OpenWriter();
    using var reader = fanIn.OpenReader();
    return Bursting(() => WriteBurst(writer, Burst), () => ReadBurst(reader, Burst));
}

static string AloneInBroadcast(string name, int count)
{
    using var broadcast = Broadcast.Open(name);
    using var writer = broadcast.OpenWriter();
    var readers = Enumerable.Range(0, count).Select(_ => broadcast.OpenReader()).ToArray();
    var times = Bursting(() => CastBurst(writer, Burst), () =>
    {
        foreach (var reader in readers)
        {
            HearBurst(reader, Burst);
        }
    }).Split(' ');
    foreach (var reader in readers)
    {
        reader.Dispose();
    }

    return $"{times[0]} {Number(times[1]) / count}";
}

static int Cast(string name, long count)
{
    using var broadcast = Broadcast.Open(name);
    using var writer = broadcast.OpenWriter();
    Console.WriteLine("open");
    Console.ReadLine();
    // Until the compiler has made its last version of what is called, here and in the readers.
    CastBurst(writer, Warming / 2);
    Thread.Sleep(500);
    CastBurst(writer, Warming / 2);
    var start = Stopwatch.GetTimestamp();
    CastBurst(writer, count);
    Console.WriteLine((long)(Stopwatch.GetElapsedTime(start).TotalNanoseconds * 1000 / count));
    return 0;
}

[MethodImpl(MethodImplOptions.AggressiveOptimization)]
static int Hear(string name, long count)
{
    using var broadcast = Broadcast.Open(name);
    using var reader = broadcast.OpenReader(new BroadcastReaderOptions { Restart = PeerRestart.Wait });
    Console.WriteLine("open");
    var (read, sum) = (0L, 0L);
    while (read < count)
    {
        reader.WaitToRead(Timeout.InfiniteTimeSpan);
        while (reader.TryRead(out MessageLease lease))
        {
            sum += lease.Span[0];
            lease.Dispose();
            read++;
        }
    }

    return sum == count ? 0 : 1;
}

[MethodImpl(MethodImplOptions.AggressiveOptimization)]
static void CastBurst(BroadcastWriter writer, long count)
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
            writer.WaitToWrite(64, Timeout.InfiniteTimeSpan);
        }
    }
}

[MethodImpl(MethodImplOptions.AggressiveOptimization)]
static void HearBurst(BroadcastReader reader, long count)
{
    var sum = 0L;
    for (var n = 0L; n < count && reader.TryRead(out MessageLease lease); n++)
    {
        sum += lease.Span[0];
        lease.Dispose();
    }

    if (sum != count)
    {
        throw new InvalidOperationException($"{sum} messages of {count} came.");
    }
}

static string AloneInLatest(string name)
{
    using var latest = LatestBytes.Open(name);
    using var writer = latest.OpenWriter();
    using var reader = latest.OpenReader();
    return Bursting(() => PublishBurst(writer), () => CopyBurst(reader));
}

static string Bursting(Action write, Action read)
{
    // Until the compiler has made its last version of what is called.
    for (var warmed = 0; warmed < 5; warmed++)
    {
        for (var burst = 0; burst < 500; burst++)
        {
            write();
            read();
        }

        Thread.Sleep(200);
    }

    var times = new long[2][];
    (times[0], times[1]) = (new long[Bursts], new long[Bursts]);
    for (var burst = 0; burst < Bursts; burst++)
    {
        var start = Stopwatch.GetTimestamp();
        write();
        var written = Stopwatch.GetTimestamp();
        read();
        (times[0][burst], times[1][burst]) = (written - start, Stopwatch.GetTimestamp() - written);
    }

    return string.Join(' ', times.Select(of => of.Order().ElementAt(Bursts / 2) * (1_000_000_000_000 / Stopwatch.Frequency) / Burst));
}

[MethodImpl(MethodImplOptions.AggressiveOptimization)]
static void WriteBurst(FanInWriter writer, long count)
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
            writer.WaitToWrite(64, Timeout.InfiniteTimeSpan);
        }
    }
}

[MethodImpl(MethodImplOptions.AggressiveOptimization)]
static void ReadBurst(FanInReader reader, long count)
{
    var sum = 0L;
    foreach (var message in reader.ReadAvailable())
    {
        sum += message.Span[0];
    }

    if (sum != count)
    {
        throw new InvalidOperationException($"{sum} messages of {count} came.");
    }
}

[MethodImpl(MethodImplOptions.AggressiveOptimization)]
static void PublishBurst(LatestBytesWriter writer)
{
    Span<byte> bytes = stackalloc byte[64];
    bytes.Fill(1);
    for (var n = 0; n < Burst; n++)
    {
        bytes[1] = (byte)n;
        writer.Publish(bytes);
    }
}

[MethodImpl(MethodImplOptions.AggressiveOptimization)]
static void CopyBurst(LatestBytesReader reader)
{
    Span<byte> bytes = stackalloc byte[64];
    var sum = 0L;
    for (var n = 0; n < Burst; n++)
    {
        reader.TryRead(bytes, out _, out _);
        sum += bytes[0];
    }

    if (sum != Burst)
    {
        throw new InvalidOperationException($"{sum} values of {Burst} came.");
    }
}

static int WriteFanIn(string name, long count)
{
    using var fanIn = FanIn.Open(name);
    using var writer = fanIn.OpenWriter();
    Console.WriteLine("open");
    Console.ReadLine();
    // As in Cast; each of two writers does its half.
    WriteBurst(writer, Warming / 4);
    Thread.Sleep(500);
    WriteBurst(writer, (Warming / 4) + count);
    return 0;
}

[MethodImpl(MethodImplOptions.AggressiveOptimization)]
static int ReadFanIn(string name, long count)
{
    using var fanIn = FanIn.Open(name);
    using var reader = fanIn.OpenReader();
    Console.WriteLine("open");
    Console.ReadLine();
    var (read, sum, start) = (0L, 0L, 0L);
    while (read < count + Warming)
    {
        reader.WaitToRead(Timeout.InfiniteTimeSpan);
        foreach (var message in reader.ReadAvailable())
        {
            if (read++ == Warming)
            {
                start = Stopwatch.GetTimestamp();
            }

            sum += message.Span[0];
        }
    }

    Console.WriteLine((long)(Stopwatch.GetElapsedTime(start).TotalNanoseconds * 1000 / count));
    return sum == count + Warming ? 0 : 1;
}

internal unsafe struct Element
{
    internal fixed long Words[8];
}
