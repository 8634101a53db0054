// Two processes wake each other with events in shared memory, as with EventWaitHandle: dotnet run samples/27-event.cs
#:project ../src/Posix.SharedMemory.Threading/Posix.SharedMemory.Threading.csproj

using System.Diagnostics;
using System.Reflection;
using Posix.SharedMemory;
using Posix.SharedMemory.Threading;

const int Rounds = 1_000;
if (args is ["--other", var given])
{
    // snippet: answer
    using var shared = SharedMemoryObject.Open(given);
    using var view = shared.Map();
    var question = SharedEvent.At(view, 0, EventResetMode.AutoReset);
    var answer = SharedEvent.At(view, 8, EventResetMode.AutoReset);
    for (var round = 0; round < Rounds; round++)
    {
        question.Wait();                        // Sleeps in the kernel until the event is set.
        view.GetReference<long>(16) *= 2;
        answer.Set();
    }
    // end

    return 0;
}

var name = SharedMemoryObject.CreateUniqueName("sample-27");
using var memory = SharedMemoryObject.Create(name, 4096, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = memory.Map();

// snippet: ask
// An event is 8 bytes at an offset that both processes know; zeroed memory is an event that is not set.
var asked = SharedEvent.At(map, 0, EventResetMode.AutoReset);
var answered = SharedEvent.At(map, 8, EventResetMode.AutoReset);
// end

var self = Environment.ProcessPath!;
string[] program = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [self, Assembly.GetExecutingAssembly().Location] : [self];
using var other = Process.Start(program[0], [.. program[1..], "--other", name]);
using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
var right = 0;
for (var round = 0; round < Rounds; round++)
{
    map.GetReference<long>(16) = round;
    asked.Set();
    await answered.WaitAsync(limit.Token);      // Blocks no thread.
    right += map.GetReference<long>(16) == 2 * round ? 1 : 0;
}

await other.WaitForExitAsync();
Console.WriteLine($"{right} of {Rounds} answers were right");
return right == Rounds ? other.ExitCode : 1;
