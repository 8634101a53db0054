// Connections of Posix.SharedMemory.Channels between two processes, beside two rings, and beside a Unix socket in C and in .NET: dotnet run -c Release benchmarks/ring/connections.cs [ROUNDS [QUESTION]]
//
// 64 bytes there and back: polled, beside two message channels; asleep, with threads that block and never poll, beside a socket in C, and beside two words of shared memory in C on which the processes sleep with the
// same system calls; as a call, polled, asleep, and awaited, beside a socket that is awaited. Before them, pieces of 64 KiB one way through AsStream, beside a socket in C ("3 stream" takes that alone). The candidates take turns, each process on a processor
// of its own; the medians of the rounds are printed, and their ratio. The first half of each run warms it up, and is not counted.
#:project ../../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj
#:property Nullable=enable
#:property RunAnalyzers=false

using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Posix.SharedMemory.Channels;

const int Piece = 64 << 10;
if (args is ["peer", var asked, var at, var number])
{
    Pin(1);
    await ServeAsync(asked, at, Number(number));
    return 0;
}

if (Environment.ProcessorCount < 2)
{
    Console.WriteLine("SKIPPED: two processes that poll need two processors.");
    return 0;
}

Pin(0);
var directory = Directory.CreateTempSubdirectory("connections");
var program = Path.Combine(directory.FullName, "connections");
using (var compiler = Process.Start("cc", ["-O2", "-std=c11", "-o", program, Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, "connections.c")]))
{
    compiler.WaitForExit();
    if (compiler.ExitCode != 0)
    {
        return 1;
    }
}

var rounds = args is [var given, ..] ? int.Parse(given, CultureInfo.InvariantCulture) : 7;
Console.WriteLine("| question | beside | that, ns or MB/s | ours, ns or MB/s | ours / that | rounds: that, ours |");
Console.WriteLine("|---|---|---|---|---|---|");
foreach (var (question, beside, count) in ((string, string, long)[])[
    ("stream", "C stream", 10_000), ("polled", "rings", 1_000_000), ("asleep", "C pong", 20_000), ("asleep", "C unfenced", 20_000), ("asleep", "C fenced", 20_000), ("call-polled", "rings", 500_000), ("call-asleep", "C pong", 20_000),
    ("call-awaited", "socket-awaited", 20_000)])
{
    if (args is [_, var only] && only != question)
    {
        continue;
    }

    List<double> theirs = [], ours = [];
    for (var round = 0; round < rounds; round++)
    {
        theirs.Add(beside.StartsWith("C ", StringComparison.Ordinal) ? InC(beside[2..], count) : await MeasureAsync(beside, count));
        ours.Add(await MeasureAsync(question, count));
    }

    double that = Median(theirs), here = Median(ours);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {question} | {beside} | {that:F0} | {here:F0} | {here / that:F2} | {string.Join(" ", theirs.Select(Round))}, {string.Join(" ", ours.Select(Round))} |"));
}

directory.Delete(recursive: true);
return 0;

static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
static string Round(double value) => value.ToString("F0", CultureInfo.InvariantCulture);
static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

static void Pin(int processor)
{
    if (OperatingSystem.IsLinux())
    {
        Process.GetCurrentProcess().ProcessorAffinity = 1 << processor;
    }
}

double InC(string question, long count)
{
    using var process = Process.Start(new ProcessStartInfo(program, [question, $"{count}"]) { RedirectStandardOutput = true, UseShellExecute = false })!;
    var line = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The program in C has failed.");
    process.WaitForExit();
    return double.Parse(line, CultureInfo.InvariantCulture);
}

// How an end waits: polled ones look as long as it takes, the others sleep at once.
static EndpointOptions Ends(string question) => new() { SpinBudget = question.EndsWith("polled", StringComparison.Ordinal) ? TimeSpan.FromSeconds(1) : TimeSpan.Zero };

async Task<double> MeasureAsync(string question, long count)
{
    var path = Path.Combine(directory.FullName, "socket");
    using var process = new Process { StartInfo = new(Environment.ProcessPath!, ["peer", question, path, $"{count}"]) { UseShellExecute = false } };
    // It inherits this process's one processor before it takes its own: where there is only one, nothing polls.
    process.StartInfo.Environment["DOTNET_PROCESSOR_COUNT"] = "2";
    if (question is "socket-awaited")
    {
        using var listening = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listening.Bind(new UnixDomainSocketEndPoint(path));
        listening.Listen();
        process.Start();
        using var socket = await listening.AcceptAsync();
        var took = await SocketAsync(socket, count);
        await process.WaitForExitAsync();
        File.Delete(path);
        return took;
    }

    if (question is "rings")
    {
        using MessageChannel there = MessageChannel.Create($"bench-there-{Environment.ProcessId}"), back = MessageChannel.Create($"bench-back-{Environment.ProcessId}");
        using var writer = there.OpenWriter(Ends("polled"));
        using var reader = back.OpenReader(Ends("polled"));
        process.StartInfo.ArgumentList[2] = $"{Environment.ProcessId}";
        process.Start();
        var took = Messages(writer, reader, count);
        await process.WaitForExitAsync();
        return took;
    }

    await using var listener = new MessageListener(path, new() { Endpoint = Ends(question) });
    process.Start();
    await using var connection = await listener.AcceptAsync();
    var result = question switch
    {
        "polled" or "asleep" => Messages(connection.Output, connection.Input, count),
        "call-awaited" => await CallsAsync(connection.AsCalls(), count),
        "stream" => Stream(connection, count),
        _ => Calls(connection.AsCalls(), count),
    };
    connection.Output.Complete();
    await process.WaitForExitAsync();
    return result;
}

static double Messages(MessageWriter writer, MessageReader reader, long count)
{
    Span<byte> bytes = stackalloc byte[64];
    var start = Stopwatch.GetTimestamp();
    for (var n = 0L; n < count; n++)
    {
        start = n == count / 2 ? Stopwatch.GetTimestamp() : start;
        writer.TryWrite(bytes);
        while (!reader.TryRead(bytes, out _, out _))
        {
            reader.WaitToRead(Timeout.InfiniteTimeSpan);
        }
    }

    return Each(start, count);
}

static double Calls(MessageCalls calls, long count)
{
    Span<byte> bytes = stackalloc byte[64];
    var start = Stopwatch.GetTimestamp();
    for (var n = 0L; n < count; n++)
    {
        start = n == count / 2 ? Stopwatch.GetTimestamp() : start;
        calls.Call(bytes).Dispose();
    }

    return Each(start, count);
}

static async Task<double> CallsAsync(MessageCalls calls, long count)
{
    var bytes = new byte[64];
    var start = Stopwatch.GetTimestamp();
    for (var n = 0L; n < count; n++)
    {
        start = n == count / 2 ? Stopwatch.GetTimestamp() : start;
        (await calls.CallAsync(bytes)).Dispose();
    }

    return Each(start, count);
}

static async Task<double> SocketAsync(Socket socket, long count)
{
    var bytes = new byte[64];
    var start = Stopwatch.GetTimestamp();
    for (var n = 0L; n < count; n++)
    {
        start = n == count / 2 ? Stopwatch.GetTimestamp() : start;
        await socket.SendAsync(bytes);
        for (var got = 0; got < bytes.Length;)
        {
            got += await socket.ReceiveAsync(bytes.AsMemory(got));
        }
    }

    return Each(start, count);
}

static double Stream(MessageConnection connection, long count)
{
    var bytes = new byte[Piece];
    var stream = connection.AsStream();
    var start = Stopwatch.GetTimestamp();
    for (var n = 0L; n < count; n++)
    {
        if (n == count / 4)
        {
            // The compiler makes its last version of what is called meanwhile, here and in the peer.
            Thread.Sleep(300);
        }

        start = n == count / 2 ? Stopwatch.GetTimestamp() : start;
        stream.Write(bytes);
    }

    // The peer has read everything when its byte comes.
    stream.ReadExactly(bytes.AsSpan(0, 1));
    return Piece / Each(start, count) * 1000;
}

static double Each(long start, long count) => Stopwatch.GetElapsedTime(start).TotalNanoseconds / (count - (count / 2));

static async Task ServeAsync(string question, string path, long count)
{
    var bytes = new byte[64];
    if (question is "socket-awaited")
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        while (await socket.ReceiveAsync(bytes) is var got and > 0)
        {
            await socket.SendAsync(bytes.AsMemory(0, got));
        }

        return;
    }

    if (question is "rings")
    {
        using MessageChannel there = MessageChannel.Open($"bench-there-{path}"), back = MessageChannel.Open($"bench-back-{path}");
        using var reader = there.OpenReader(Ends("polled"));
        using var writer = back.OpenWriter(Ends("polled"));
        Echo(reader, writer, count);
        return;
    }

    await using var connection = await MessageConnection.ConnectAsync(path, Ends(question));
    switch (question)
    {
        case "polled" or "asleep":
            Echo(connection.Input, connection.Output, count);
            break;
        case "call-awaited":
            await connection.AsCalls().ServeAsync(call => call.ReplyAsync(call.Request));
            break;
        case "stream":
            var stream = connection.AsStream();
            var piece = new byte[Piece];
            for (var n = 0L; n < count; n++)
            {
                stream.ReadExactly(piece);
            }

            stream.Write(piece.AsSpan(0, 1));
            while (stream.Read(piece) > 0)
            {
            }

            break;
        default:
            var calls = connection.AsCalls();
            while (calls.WaitToReceive(Timeout.InfiniteTimeSpan) && calls.TryReceive(out var call))
            {
                call.TryReply(call.Request.Span);
            }

            break;
    }
}

static void Echo(MessageReader reader, MessageWriter writer, long count)
{
    Span<byte> bytes = stackalloc byte[64];
    for (var n = 0L; n < count; n++)
    {
        while (!reader.TryRead(bytes, out _, out _))
        {
            reader.WaitToRead(Timeout.InfiniteTimeSpan);
        }

        writer.TryWrite(bytes);
    }
}
