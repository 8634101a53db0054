// Memory exchanged with a C and a Python program, in both directions: dotnet run samples/12-c-exchange.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Posix.SharedMemory;

const int Skipped = 77;
var sources = Path.GetDirectoryName((string)AppContext.GetData("EntryPointFilePath")!)!;
var directory = Directory.CreateTempSubdirectory("sample-12-");
try
{
    var program = Path.Combine(directory.FullName, "exchange");
    var compiled = await RunAsync("cc", ["-O2", "-Wall", "-o", program, Path.Combine(sources, "12-c-exchange.c")]);
    var good = compiled == 0 ? await ExchangeAsync("C", program) : Skip("C", compiled);
    return good & await ExchangeAsync("Python", "python3", Path.Combine(sources, "12-python-exchange.py")) ? 0 : 1;
}
finally
{
    directory.Delete(recursive: true);
}

async Task<bool> ExchangeAsync(string language, params string[] command)
{
    var path = Path.Combine(directory.FullName, language);
    using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    listener.Bind(new UnixDomainSocketEndPoint(path));
    listener.Listen();
    using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
    var peer = RunAsync(command[0], [.. command[1..], path]);
    var connecting = listener.AcceptAsync(limit.Token).AsTask();
    if (await Task.WhenAny(peer, connecting) == peer)
    {
        return Skip(language, await peer);
    }

    using var socket = await connecting;

    // Memory sealed against shrinking can be read without a check. Both processes may still write it.
    var question = "A sentence on its way through two languages."u8.ToArray();
    using var ours = SharedMemoryObject.CreateAnonymous(question.Length, new() { DebugName = "question" });
    ours.Write(question, 0);
    ours.AddSeals(MemorySeals.Shrink);
    await socket.SendObjectAsync(ours, limit.Token);

    using var theirs = await socket.ReceiveObjectAsync(MemorySeals.Shrink | MemorySeals.Write, limit.Token);
    using var answer = theirs.Map(new() { Access = FileAccess.Read });
    var backwards = answer.GetReadOnlySpan(0, question.Length).ToArray();
    var code = await peer;
    var first = new byte[1];
    ours.Read(first, 0);
    Console.WriteLine($"C#: got {theirs.Length} bytes, sealed against {theirs.Seals}: {Encoding.UTF8.GetString(backwards)}");
    Console.WriteLine($"C#: and {language} left '{(char)first[0]}' in ours");
    return code == 0 && backwards.AsSpan().SequenceEqual(question.Reverse().ToArray()) && first[0] == language[0];
}

static bool Skip(string language, int code)
{
    Console.WriteLine(code == Skipped ? $"SKIPPED: {language} is missing on this machine, or too old." : $"{language} ended with {code}");
    return code == Skipped;
}

static async Task<int> RunAsync(string command, string[] arguments)
{
    try
    {
        using var process = Process.Start(command, arguments);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }
    catch (System.ComponentModel.Win32Exception)
    {
        return Skipped;
    }
}
