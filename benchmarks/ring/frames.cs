// Frames of Posix.SharedMemory.Channels beside the same protocol in C, and beside copying the same bytes through a ring: dotnet run -c Release benchmarks/ring/frames.cs [ROUNDS]
//
// How long a frame keeps one thread that has all ends: loaned and sent, then read and given back by each reader, without a byte of it being touched; the medians of many short bursts also hold on a machine that is busy. Then
// a publisher and one or two readers, each a process, of which the publisher stores 8 bytes of each frame and each reader loads them; they sleep where they must wait. Last, a message of the same length that is
// copied into a ring and out of it. The candidates take turns; the medians of the rounds are printed, and their ratio.
#:project ../../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj
#:property AllowUnsafeBlocks=true
#:property Nullable=enable
#:property RunAnalyzers=false

using System.Diagnostics;
using System.Globalization;
using Posix.SharedMemory;
using Posix.SharedMemory.Channels;

const int Bursts = 4_000, Burst = 16, Short = 4 << 10, Long = 8 << 20;
const long Frames = 100_000, Warming = 20_000;
switch (args)
{
    case ["alone", var name, var count, var length]: Console.WriteLine(Alone(name, (int)Number(count), (int)Number(length))); return 0;
    case ["publish", var name, var count, var length]: return Publish(name, Number(count), (int)Number(length));
    case ["take", var name, var count]: return Take(name, Number(count));
}

var rounds = args is [var given] ? int.Parse(given, CultureInfo.InvariantCulture) : 7;
var directory = Directory.CreateTempSubdirectory("frames");
var program = Path.Combine(directory.FullName, "frames");
using (var compiler = Process.Start("cc", ["-O2", "-std=c11", "-pthread", "-o", program, Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, "frames.c")]))
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
        foreach (var (length, text) in ((int, string)[])[(Short, "4 KiB"), (Long, "8 MiB")])
        {
            foreach (var readers in (int[])[1, 2, 8])
            {
                var (sent, read) = InOneThread(c, readers, length);
                Add($"{text} to {readers} {(readers == 1 ? "reader" : "readers")}: loaned and sent", side, sent);
                Add($"{text} to {readers} {(readers == 1 ? "reader" : "readers")}: read and given back by each", side, read);
                Add($"{text} to {readers} {(readers == 1 ? "reader" : "readers")}: all of it, for each reader", side, (sent / readers) + read);
            }
        }

        foreach (var readers in (int[])[1, 2])
        {
            Add($"8 MiB to {readers} {(readers == 1 ? "reader" : "readers")}, a process each, 8 bytes touched", side, ToReaders(c, readers, Long));
        }
    }

    Add("8 MiB copied through a ring", "C#", Copied(Long));
}

Console.WriteLine("| question | C, ns | C#, ns | C / C# |\n|---|---|---|---|");
foreach (var question in rows.Keys.Where(key => key.EndsWith("|C", StringComparison.Ordinal)).Select(key => key[..^2]))
{
    double inC = Median($"{question}|C"), here = Median($"{question}|C#");
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {question} | {inC:F1} | {here:F1} | {inC / here:F2} |"));
}

var copied = Median("8 MiB copied through a ring|C#");
var passed = Median("8 MiB to 1 reader: all of it, for each reader|C#");
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\n8 MiB copied into a ring and out of it: {copied:F0} ns, {copied / passed:F0} × a frame that is passed to one reader."));
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

// A burst is on its way to every reader, and one frame is loaned.
static FrameChannel Create(int length, int slots, int depth) =>
    FrameChannel.Create(SharedMemoryObject.CreateUniqueName("frames"), new() { SlotLength = length, SlotCount = slots, Depth = depth, MaxReaders = 8 });

(double Sent, double Read) InOneThread(bool inC, int readers, int length)
{
    using var channel = Create(length, Burst + 1, Burst);
    var memory = channel.Memory;
    using var process = inC ? Start(program, $"/dev/shm/{memory.Name}", $"{memory.Length}", "alone", $"{readers}", $"{length}") : Start(Environment.ProcessPath!, "alone", memory.Name!, $"{readers}", $"{length}");
    var times = process.StandardOutput.ReadLine()!.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    process.WaitForExit();
    return (Number(times[0]) / 1000.0, Number(times[1]) / 1000.0);
}

static string Alone(string name, int count, int length)
{
    using var channel = FrameChannel.Open(name);
    using var writer = channel.OpenWriter();
    var readers = Enumerable.Range(0, count).Select(_ => channel.OpenReader(new() { Overflow = FrameOverflow.DropNewest })).ToArray();
    long[] sent = new long[Bursts], read = new long[Bursts];
    // The first turns are for the compiler: until it has made its last version of what is called.
    for (var turn = 0; turn < 6; turn++)
    {
        for (var burst = 0; burst < (turn < 5 ? 500 : Bursts); burst++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var n = 0; n < Burst; n++)
            {
                if (!writer.TryLoan(length, out var frame) || writer.Send(frame) != count)
                {
                    throw new InvalidOperationException("A frame was not sent.");
                }
            }

            var middle = Stopwatch.GetTimestamp();
            foreach (var reader in readers)
            {
                for (var n = 0; n < Burst; n++)
                {
                    if (!reader.TryRead(out var frame))
                    {
                        throw new InvalidOperationException("A frame did not come.");
                    }

                    frame.Dispose();
                }
            }

            (sent[burst], read[burst]) = (middle - start, (Stopwatch.GetTimestamp() - middle) / count);
        }

        Thread.Sleep(turn < 5 ? 200 : 0);
    }

    foreach (var reader in readers)
    {
        reader.Dispose();
    }

    return $"{sent.Order().ElementAt(Bursts / 2) * 1000 / Burst} {read.Order().ElementAt(Bursts / 2) * 1000 / Burst}";
}

double ToReaders(bool inC, int readers, int length)
{
    using var channel = Create(length, 8, 2);
    var memory = channel.Memory;
    var processes = Enumerable.Range(0, readers).Select(_ => Begin("take")).ToList();
    var writer = Begin("publish");
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
        var count = inC ? Frames : role == "take" ? Frames + Warming : Frames;
        var process = inC ? Start(program, $"/dev/shm/{memory.Name}", $"{memory.Length}", role, $"{count}", $"{length}")
            : Start(Environment.ProcessPath!, [role, memory.Name!, $"{count}", .. role == "take" ? Array.Empty<string>() : [$"{length}"]]);
        process.StandardOutput.ReadLine();
        return process;
    }
}

static int Publish(string name, long count, int length)
{
    using var channel = FrameChannel.Open(name);
    using var writer = channel.OpenWriter();
    Console.WriteLine("open");
    Console.ReadLine();
    // As above, here and in the readers.
    for (var turn = 0; turn < 4; turn++)
    {
        Send(turn * Warming / 4, (turn + 1) * Warming / 4);
        Thread.Sleep(200);
    }

    var start = Stopwatch.GetTimestamp();
    Send(Warming, Warming + count);
    Console.WriteLine($"{(long)(Stopwatch.GetElapsedTime(start).TotalNanoseconds * 1000 / count)}");
    writer.Complete();
    return 0;

    void Send(long from, long to)
    {
        for (var n = from; n < to; n++)
        {
            var frame = writer.Loan(length);
            BitConverter.TryWriteBytes(frame.Span, n);
            writer.Send(frame);
        }
    }
}

static int Take(string name, long count)
{
    using var channel = FrameChannel.Open(name);
    using var reader = channel.OpenReader(new() { Overflow = FrameOverflow.Wait });
    Console.WriteLine("open");
    for (var n = 0L; n < count;)
    {
        reader.WaitToRead(Timeout.InfiniteTimeSpan);
        while (reader.TryRead(out var frame))
        {
            if (BitConverter.ToInt64(frame.ReadOnlySpan) != n++)
            {
                return 5;
            }

            frame.Dispose();
        }
    }

    return 0;
}

// Into the ring and out of it, by one thread: the median of each.
static double Copied(int length)
{
    using var channel = MessageChannel.CreateAnonymous(new() { Capacity = 4L * length });
    using var writer = channel.OpenWriter();
    using var reader = channel.OpenReader();
    byte[] from = new byte[length], to = new byte[length];
    var times = new double[40];
    for (var turn = 0; turn < times.Length; turn++)
    {
        var start = Stopwatch.GetTimestamp();
        if (!writer.TryWrite(from) || !reader.TryRead(to, out _, out _))
        {
            throw new InvalidOperationException("The message did not come.");
        }

        times[turn] = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
    }

    return times.Order().ElementAt(times.Length / 2);
}
