using Posix.SharedMemory.Bridge.Tests.Peers;

namespace Posix.SharedMemory.Bridge.Tests;

/// <summary>The other process of a test: it speaks in lines. Without a command it does nothing; the test runner loads the assembly by itself.</summary>
internal static class Program
{
    private static int Main(string[] args) => args switch
    {
        ["send", var name, .. var shape] => Streams.Send(name, shape),
        ["receive", var name] => Streams.Receive(name),
        ["produce", .. var names] => Workers.Produce(names),
        ["consume", var log, var name] => Workers.Consume(log, name),
        _ => 0,
    };
}
