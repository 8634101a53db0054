// A parent and a child send each other messages, and the child gets a table of a megabyte beside them, without a copy: dotnet run samples/64-parent-and-child.cs
#:project ../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj

using System.Diagnostics;
using System.Net.Sockets;
using Posix.SharedMemory;
using Posix.SharedMemory.Channels;

if (args is ["child", var number])
{
    // snippet: child
    var inherited = new Socket(new SafeSocketHandle(int.Parse(number), ownsHandle: true));
    await using var parent = await MessageConnection.ReceiveAsync(inherited);
    using var numbers = await parent.ReceiveObjectAsync(MemorySeals.Shrink);      // Sealed: it cannot be cut while it is mapped.
    using var table = numbers.Map();
    await foreach (var question in parent.Input.ReadAllAsync())
    {
        var answer = table.GetSpan()[BitConverter.ToInt32(question.Span)];
        await parent.Output.WriteAsync(new[] { answer });
    }

    parent.Output.Complete();
    // end
    return 0;
}

// snippet: parent
var (connection, theirs) = MessageConnection.CreatePair();
await using var mine = connection;
var start = new ProcessStartInfo(Environment.ProcessPath!, ["child", $"{theirs.SafeHandle.DangerousGetHandle()}"]);
using var child = HandleInheritance.Start(start, theirs.SafeHandle);
theirs.Dispose();                                                                 // Only the child has it now: its end is the child's end.

using var memory = SharedMemoryObject.CreateAnonymous(1 << 20);
using (var mapping = memory.Map())
{
    mapping.GetSpan()[1000] = 42;
}

memory.AddSeals(MemorySeals.Shrink);
await mine.SendObjectAsync(memory);
await mine.Output.WriteAsync(BitConverter.GetBytes(1000));
mine.Output.Complete();

var answer42 = 0;
await foreach (var answer in mine.Input.ReadAllAsync())                           // Ends when the child has completed.
{
    answer42 = answer.Span[0];
}
// end

child.WaitForExit();
Console.WriteLine($"the child answered {answer42}; it ended with {child.ExitCode}");
return answer42 == 42 && child.ExitCode == 0 ? 0 : 1;
