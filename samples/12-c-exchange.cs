// Memory exchanged with a C and a Python program, in both directions: dotnet run samples/12-c-exchange.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Posix.SharedMemory;

const int NotFound = 127, Skipped = 77;   // What the shell returns without the program, and what the other half does if it is too old.
var sources = Path.GetDirectoryName((string)AppContext.GetData("EntryPointFilePath")!)!;
var directory = Directory.CreateTempSubdirectory("sample-12-").FullName;
var good = true;
try
{
    good &= await ExchangeAsync("C", "cc -O2 -Wall -o $0/exchange 12-c-exchange.c && $0/exchange $1");
    good &= await ExchangeAsync("Python", "python3 12-python-exchange.py $1");
}
finally
{
    Directory.Delete(directory, recursive: true);
}

return good ? 0 : 1;

async Task<bool> ExchangeAsync(string language, string command)
{
    var path = Path.Combine(directory, language);
    using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    listener.Bind(new UnixDomainSocketEndPoint(path));
    listener.Listen();
    using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
    using var peer = Process.Start(new ProcessStartInfo("sh", ["-c", command, directory, path]) { WorkingDirectory = sources })!;
    var ended = peer.WaitForExitAsync(limit.Token);
    var connecting = listener.AcceptAsync(limit.Token).AsTask();
    if (await Task.WhenAny(ended, connecting) == ended)
    {
        Console.WriteLine(peer.ExitCode is NotFound or Skipped ? $"SKIPPED: {language} is missing on this machine, or too old." : $"{language} ended with {peer.ExitCode}");
        return peer.ExitCode is NotFound or Skipped;
    }

    // Memory sealed against shrinking can be read without a check. Both processes may still write it.
    using var socket = await connecting;
    var question = "A sentence on its way through two languages."u8.ToArray();
    using var ours = SharedMemoryObject.CreateAnonymous(question.Length, new() { DebugName = "question" });
    ours.Write(question, 0);
    ours.AddSeals(MemorySeals.Shrink);
    await socket.SendObjectAsync(ours, limit.Token);

    using var theirs = await socket.ReceiveObjectAsync(MemorySeals.Shrink | MemorySeals.Write, limit.Token);
    using var answer = theirs.Map(new() { Access = FileAccess.Read });
    var backwards = answer.GetReadOnlySpan(0, question.Length).ToArray();
    await ended;
    var first = new byte[1];
    ours.Read(first, 0);
    Console.WriteLine($"C#: got {theirs.Length} bytes, sealed against {theirs.Seals}: {Encoding.UTF8.GetString(backwards)}, and {language} left '{(char)first[0]}' in ours");
    return peer.ExitCode == 0 && backwards.SequenceEqual(question.Reverse()) && first[0] == language[0];
}
