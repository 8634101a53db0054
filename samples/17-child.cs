// Memory for a child process, by inheritance: dotnet run samples/17-child.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory;

if (args is ["--child", var number])
{
    // snippet: child
    var handle = new SafeFileHandle(int.Parse(number, CultureInfo.InvariantCulture), ownsHandle: true);
    HandleInheritance.SetInheritable(handle, false);   // Otherwise every program that this one starts inherits it too.
    using var received = SharedMemoryObject.FromHandle(handle);
    using var view = received.Map();
    // end
    Console.WriteLine($"child:  {received.Length >> 10} KiB as descriptor {number}, close-on-exec again");
    view.GetReference<int>(4) = view.GetReference<int>(0) * 2;
    return 0;
}

var self = Environment.ProcessPath!;
string[] program = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [self, Assembly.GetExecutingAssembly().Location] : [self];
using var memory = SharedMemoryObject.CreateAnonymous(64 << 10, new() { DebugName = "question" });
using var map = memory.Map();
map.GetReference<int>(0) = 21;

// snippet: parent
var descriptor = memory.SafeFileHandle.DangerousGetHandle();   // The child has the memory under the same number.
ProcessStartInfo start = new(program[0], [.. program[1..], "--child", $"{descriptor}"]);
using var child = HandleInheritance.Start(start, memory.SafeFileHandle);
// end
child.WaitForExit();
Console.WriteLine($"parent: the child answered {map.GetReference<int>(4)}");
return child.ExitCode == 0 && map.GetReference<int>(4) == 42 ? 0 : 1;
