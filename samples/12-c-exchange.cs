// Memory exchanged with a C program, both ways: dotnet run samples/12-c-exchange.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Net.Sockets;
using Posix.SharedMemory;

var directory = Directory.CreateTempSubdirectory("sample-12-");
try
{
    var program = Path.Combine(directory.FullName, "exchange");
    if (!await Runs("cc", ["-O2", "-Wall", "-o", program, Path.Combine(SourceDirectory(), "12-c-exchange.c")]))
    {
        Console.WriteLine("SKIPPED: there is no C compiler (cc) on this machine.");
        return 0;
    }

    var path = Path.Combine(directory.FullName, "socket");
    using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    listener.Bind(new UnixDomainSocketEndPoint(path));
    listener.Listen();
    using var c = Process.Start(program, [path]);
    using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
    using var socket = await listener.AcceptAsync(limit.Token);

    // Sealed against shrinking, it is safe for C to read without a check; we both may still write.
    var question = "A sentence on its way through two languages."u8.ToArray();
    using var ours = SharedMemoryObject.CreateAnonymous(question.Length, new() { DebugName = "question" });
    ours.Write(question, 0);
    ours.AddSeals(MemorySeals.Shrink);
    await socket.SendObjectAsync(ours, limit.Token);

    using var theirs = await socket.ReceiveObjectAsync(MemorySeals.Shrink | MemorySeals.Write, limit.Token);
    using var answer = theirs.Map(new() { Access = FileAccess.Read });
    var backwards = answer.GetReadOnlySpan(0, question.Length).ToArray();
    await c.WaitForExitAsync(limit.Token);
    var first = new byte[1];
    ours.Read(first, 0);
    Console.WriteLine($"C#: got {theirs.Length} bytes, sealed against {theirs.Seals}: {System.Text.Encoding.UTF8.GetString(backwards)}");
    Console.WriteLine($"C#: and C left '{(char)first[0]}' in ours");
    return c.ExitCode == 0 && backwards.AsSpan().SequenceEqual(question.Reverse().ToArray()) && first[0] == 'C' ? 0 : 1;
}
finally
{
    directory.Delete(recursive: true);
}

static async Task<bool> Runs(string command, string[] arguments)
{
    try
    {
        using var process = Process.Start(command, arguments);
        await process.WaitForExitAsync();
        return process.ExitCode == 0;
    }
    catch (System.ComponentModel.Win32Exception)
    {
        return false;
    }
}

static string SourceDirectory() => Path.GetDirectoryName((string)AppContext.GetData("EntryPointFilePath")!)!;
