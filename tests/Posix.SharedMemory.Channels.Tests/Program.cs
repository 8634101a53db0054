using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests;

/// <summary>The other process of a test: it speaks in lines. Without a command it does nothing; the test runner loads the assembly by itself.</summary>
internal static class Program
{
    private static int Main(string[] args) => args switch
    {
        ["latest-stream", var name] => LatestActs.Stream(name),
        ["latest-writer", var name] => LatestActs.Write(name),
        ["latest-reader", var name, var access] => LatestActs.Read(name, access),
        ["fan-in-stream", var name, var number] => FanInActs.Stream(name, number),
        ["fan-in-writer", var name, var label] => FanInActs.Write(name, label),
        ["fan-in-drain", var name] => FanInActs.Drain(name),
        ["broadcast-stream", var name] => BroadcastActs.Stream(name),
        ["broadcast-writer", var name] => BroadcastActs.Write(name),
        ["broadcast-reader", var name, var delivery] => BroadcastActs.Read(name, delivery),
        ["broadcast-rejoin", var name] => BroadcastActs.Rejoin(name),
        ["connection", var way, var argument] => ConnectionActs.Run(way, argument),
        ["failing-connections", var way] => FailingConnections.Run(way),
        ["frames-stream", var name] => FrameActs.Stream(name),
        ["frames-rejoin", var name] => FrameActs.Rejoin(name),
        ["frames-reader", var name, var overflow] => FrameActs.Read(name, overflow),
        ["frames-writer", var name] => FrameActs.Write(name),
        ["release-write", var directory] => ReleaseActs.WriteOnce(directory),
        [var command, .. var arguments] => Acts.Run(command, arguments),
        _ => 0,
    };
}
