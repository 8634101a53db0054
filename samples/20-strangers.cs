// Reading memory that another process shortens, grows and changes meanwhile: dotnet run samples/20-strangers.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Reflection;
using Posix.SharedMemory;

const int Length = 64 << 10, Cuts = 1_000;

// The stranger: this program, started again. It truncates the object to nothing and grows it again, until its input ends.
if (args is ["--stranger", var victim])
{
    using var theirs = SharedMemoryObject.Open(victim);
    var stop = new Thread(() => Console.In.ReadToEnd());
    stop.Start();
    while (stop.IsAlive)
    {
        theirs.SetLength(0, Backing.Sparse);
        theirs.SetLength(Length, Backing.Sparse);
    }

    return 0;
}

var self = Environment.ProcessPath!;
string[] program = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [self, Assembly.GetExecutingAssembly().Location] : [self];
var name = SharedMemoryObject.CreateUniqueName("sample-20");
using var memory = SharedMemoryObject.Create(name, Length, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = memory.Map();
using var stranger = Process.Start(new ProcessStartInfo(program[0], [.. program[1..], "--stranger", name]) { RedirectStandardInput = true })!;
int whole = 0, cut = 0, shorter = 0;
try
{
    var buffer = new byte[4096];
    while (cut < Cuts && !stranger.HasExited)
    {
        // snippet: read
        // Neither call can fault. Both copy, and the copy does not change after it has been checked.
        if (map.TryRead(offset: Length - 4096, buffer))
        {
            whole++;
        }
        else
        {
            cut++;       // The object is shorter now.
        }

        var count = memory.Read(buffer, offset: 0);
        shorter += count < buffer.Length ? 1 : 0;
        // end
    }
}
finally
{
    stranger.StandardInput.Close();
    stranger.WaitForExit();
}

Console.WriteLine($"{whole} reads, {cut} times the bytes were gone, {shorter} short reads; no bus error");
return stranger.ExitCode == 0 && cut >= Cuts ? 0 : 1;
