// A Python program as the client of a service, which sends it a table without a copy, and answers its calls: dotnet run samples/68-python-client.cs
#:project ../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj

using System.Diagnostics;
using System.Text;
using Posix.SharedMemory;
using Posix.SharedMemory.Channels;

if (!HasPython())
{
    Console.WriteLine("SKIPPED: Python 3.10 with libatomic.so.1 is not on this machine.");
    return 0;
}

var directory = Directory.CreateTempSubdirectory("sample-67");
var socket = Path.Combine(directory.FullName, "service");
await using var listener = new MessageListener(socket);
using var python = Process.Start("python3", [Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, "68-python-client.py"), socket]);
using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
await using var client = await listener.AcceptAsync(patience.Token);
var answers = new List<string>();
await foreach (var message in client.Input.ReadAllAsync(patience.Token))
{
    answers.Add(Encoding.UTF8.GetString(message.Span));
    if (answers.Count == 1)
    {
        using var table = SharedMemoryObject.CreateAnonymous(100_000);
        using (var bytes = table.Map())
        {
            bytes.GetSpan().Fill(2);
        }

        table.AddSeals(MemorySeals.Shrink);                       // The client need not fear that it is cut.
        await client.SendObjectAsync(table, patience.Token);
        client.Output.Complete();
    }
}

await using var caller = (await listener.AcceptAsync(patience.Token)).AsCalls();
var calls = 0;
await caller.ServeAsync(async call =>
{
    calls++;
    await call.ReplyAsync(call.Request.Span.SequenceEqual("EURUSD"u8) ? "1.1612"u8.ToArray() : throw new CallFailedException(2, "there is no such price"));
});

await python.WaitForExitAsync();
directory.Delete(recursive: true);
Console.WriteLine(string.Join(", ", answers));
return python.ExitCode == 0 && answers is ["a table, please", "200000"] && calls == 2 ? 0 : 1;

static bool HasPython()
{
    using var process = Process.Start("sh", ["-c", "python3 -c 'import ctypes, sys; ctypes.CDLL(\"libatomic.so.1\"); sys.exit(sys.version_info < (3, 10))' 2>/dev/null"]);
    process.WaitForExit();
    return process.ExitCode == 0;
}
