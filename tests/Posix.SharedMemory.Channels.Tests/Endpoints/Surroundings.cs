using System.Runtime.Versioning;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Endpoints;

/// <summary>Peers in other PID namespaces, of other users, in a debugger, or stopped for long.</summary>
[SupportedOSPlatform("linux")]
public sealed class Surroundings
{
    /// <summary>How long processes are stopped. SHM_STOP=20 by hand: longer than the timeouts of all libraries that decide by time.</summary>
    private static readonly TimeSpan s_stop =
        TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("SHM_STOP") is { Length: > 0 } text ? double.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : 1.2);

    [SkippableFact]
    [Rule("endpoint.namespaces")]
    [Rule("fanin.died")]
    public async Task A_claim_of_a_writer_in_another_PID_namespace_is_passed_over_when_it_dies()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var name = new TemporaryName("channel");
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 2 });
        using var reader = fanIn.OpenReader();
        using var peer = InNamespace("fan-in-writer", name, "inside");
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("done", peer.Ask("write one"));
        Assert.Equal("one", Read(reader));
        Assert.Equal("done", peer.Ask("reserve two"));
        // As it sees itself.
        Assert.Equal((1, PeerState.Alive, "inside"), fanIn.GetStatus().BlockedBy is { } blocker ? (blocker.ProcessId, blocker.State, blocker.Label) : default);
        var waiting = reader.WaitToReadAsync().AsTask();
        using var outside = fanIn.OpenWriter();
        outside.Write("three"u8);
        Assert.False(waiting.IsCompleted);
        peer.Kill();
        Assert.True(await waiting.WaitAsync(Watchdog.Limit));
        Assert.Equal("three", Read(reader));
        Assert.Equal(1, reader.LostClaims);
    }

    [SkippableFact]
    [Rule("endpoint.namespaces")]
    [Rule("latest.died")]
    public async Task The_last_value_of_a_writer_in_another_PID_namespace_stays_when_it_dies()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var name = new TemporaryName("channel");
        using var value = LatestValue<long>.Create(name);
        using var reader = value.OpenReader();
        using var peer = InNamespace("latest-writer", name);
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("done", peer.Ask("publish 6"));
        Assert.Equal("done", peer.Ask("begin"));
        Assert.Equal((1, PeerState.Alive), (value.GetStatus().Endpoints[0].ProcessId, reader.Writer));
        var waiting = reader.WaitForChangeAsync(2).AsTask();
        peer.Kill();
        await Assert.ThrowsAsync<PeerDiedException>(() => waiting.WaitAsync(Watchdog.Limit));
        Assert.True(reader.TryRead(out var six, out _));
        Assert.Equal(6, six);
        using var next = value.OpenWriter();
        next.Publish(7);
        Assert.Equal(4, await reader.WaitForChangeAsync(2).AsTask().WaitAsync(Watchdog.Limit));
    }

    [SkippableFact]
    [Rule("channel.users")]
    public void Another_user_writes_to_a_channel_of_its_group_and_its_death_is_noticed()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        using var copy = new ReadableCopy();
        using var name = new TemporaryName("channel");
        const UnixFileMode OfGroup = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, Permissions = OfGroup });
        using var reader = fanIn.OpenReader();
        // It is of root's group yet.
        using (var refused = AsStranger(copy, WindowPeer.Arguments("fan-in-stream", name, 0, 3, "write")))
        {
            var (code, _, errors) = refused.Finish();
            Assert.NotEqual(0, code);
            Assert.Contains("EACCES", errors, StringComparison.Ordinal);
        }

        Assert.All(fanIn.GetStatus().Endpoints.SkipLast(1), endpoint => Assert.Equal(PeerState.None, endpoint.State));
        fanIn.Memory.SetOwner(userId: null, groupId: Privileged.Stranger);
        using var peer = AsStranger(copy, WindowPeer.Arguments("fan-in-stream", name, 0, 3, "write"));
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("written", peer.ReadLine());
        for (var number = 0; number < 3; number++)
        {
            var bytes = new byte[1024];
            Assert.True(reader.TryRead(bytes, out var length, out _));
            Assert.Equal(number, Streams.Check(bytes.AsSpan(0, length), 1024));
        }

        Assert.Equal(PeerState.Alive, Assert.Single(reader.Writers).State);
        peer.Kill();
        Watchdog.Until(() => reader.Writers[0].State == PeerState.Died, "the death of the other user's process to be noticed");
        fanIn.OpenWriter().Dispose();
    }

    [SkippableFact]
    [Rule("channel.users")]
    [Rule("latest.read-only")]
    public void Another_user_that_may_only_read_reads_a_latest_value_and_opens_no_ring()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        using var copy = new ReadableCopy();
        using TemporaryName valueName = new("channel"), ringName = new("channel");
        const UnixFileMode ReadableByAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        using var value = LatestBytes.Create(valueName, new() { MaxLength = 1024, Permissions = ReadableByAll });
        using var ring = MessageChannel.Create(ringName, new() { Capacity = 4096, Permissions = ReadableByAll });
        using var writer = value.OpenWriter();
        var bytes = new byte[Streams.LengthOf(7, 1024)];
        Streams.Fill(bytes, 7);
        writer.Publish(bytes);
        using var peer = AsStranger(copy, WindowPeer.Arguments("latest-read", valueName, 0, 0, "read"));
        Assert.Equal((0, "7\n", ""), peer.Finish());
        using var refused = AsStranger(copy, WindowPeer.Arguments("drain", ringName, 0, 1, "lease"));
        var (code, _, errors) = refused.Finish();
        Assert.NotEqual(0, code);
        Assert.Contains("EACCES", errors, StringComparison.Ordinal);
        Assert.All(ring.GetStatus().Endpoints, endpoint => Assert.Equal(PeerState.None, endpoint.State));
    }

    [SkippableFact]
    [Rule("endpoint.stopped")]
    [Rule("fanin.stopped")]
    public void A_writer_in_a_debugger_keeps_its_end_and_its_claim()
    {
        Skip.IfNot(Installed.Has("gdb"), "gdb is not installed.");
        using var name = new TemporaryName("channel");
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 1 });
        using var reader = fanIn.OpenReader();
        using var peer = Partner.Start("fan-in-writer", name, "debugged");
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal("done", peer.Ask("reserve late"));
        // It stops all threads of the process, and continues them when it ends.
        using var debugger = Peer.Run(
            "gdb", "-nx", "-batch", "-iex", "set auto-solib-add off", "-p", peer.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture), "-ex", "echo attached\\n", "-ex", "shell read line");
        Skip.IfNot(HasAttached(debugger, peer), "gdb may not attach to a process here.");
        Assert.False(reader.WaitToRead(s_stop));
        Assert.Equal(("debugged", PeerState.Alive), (fanIn.GetStatus().BlockedBy!.Label, fanIn.GetStatus().BlockedBy!.State));
        Assert.Equal(Errno.EAGAIN, Assert.Throws<SharedMemoryException>(() => fanIn.OpenWriter()).Errno);
        Assert.True(IsTraced(peer));
        debugger.Tell("");
        debugger.Finish();
        Assert.Equal("done", peer.Ask("commit"));
        Assert.True(reader.WaitToRead(Watchdog.Limit));
        Assert.Equal("late", Read(reader));
        Assert.Equal(0, reader.LostClaims);
    }

    [Fact]
    [Rule("endpoint.stopped")]
    [Rule("fanin.stopped")]
    [Rule("latest.stopped")]
    public void Nothing_is_taken_from_processes_that_are_stopped_for_long()
    {
        using TemporaryName ringName = new("channel"), fanInName = new("channel"), valueName = new("channel");
        using var ring = MessageChannel.Create(ringName, new() { Capacity = 4096 });
        using var fanIn = FanIn.Create(fanInName, new() { Capacity = 4096, MaxWriters = 1 });
        using var value = LatestValue<long>.Create(valueName);
        using var ringReader = ring.OpenReader();
        using var fanInReader = fanIn.OpenReader();
        using var valueReader = value.OpenReader();
        using Peer ringPeer = Partner.Open(ringName, "writer", "stopped"), fanInPeer = Partner.Start("fan-in-writer", fanInName, "stopped"), valuePeer = Partner.Start("latest-writer", valueName);
        Assert.Equal(("open", "open"), (fanInPeer.ReadLine(), valuePeer.ReadLine()));
        Assert.Equal(("reserved", "done", "done"), (ringPeer.Ask("reserve"), fanInPeer.Ask("reserve late"), valuePeer.Ask("publish 6")));
        Assert.Equal("done", valuePeer.Ask("begin"));
        Peer[] peers = [ringPeer, fanInPeer, valuePeer];
        Array.ForEach(peers, peer => Native.Kill(peer.ProcessId, Native.SIGSTOP));
        Assert.False(fanInReader.WaitToRead(s_stop));
        Assert.False(ringReader.WaitToRead(TimeSpan.FromMilliseconds(10)));
        Assert.Equal(2, valueReader.WaitForChange(2, TimeSpan.FromMilliseconds(10)));
        Assert.Equal(Errno.EBUSY, Assert.Throws<SharedMemoryException>(() => ring.OpenWriter()).Errno);
        Assert.Equal(Errno.EAGAIN, Assert.Throws<SharedMemoryException>(() => fanIn.OpenWriter()).Errno);
        Assert.Equal(Errno.EBUSY, Assert.Throws<SharedMemoryException>(() => value.OpenWriter()).Errno);
        Array.ForEach(peers, peer => Native.Kill(peer.ProcessId, Native.SIGCONT));
        Assert.Equal("done", fanInPeer.Ask("commit"));
        Assert.True(fanInReader.WaitToRead(Watchdog.Limit));
        Assert.Equal("late", Read(fanInReader));
        Assert.Equal(0, fanInReader.LostClaims);
        Assert.True(valueReader.TryRead(out var six, out var version));
        Assert.Equal((6, 2, PeerState.Alive, PeerState.Alive), (six, version, valueReader.Writer, ringReader.Writer));
    }

    private static Peer InNamespace(params string[] command) =>
        Peer.Run("unshare", ["--pid", "--fork", "--kill-child", "--mount-proc", Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.Channels.Tests"), .. command]);

    private static Peer AsStranger(ReadableCopy copy, string[] arguments) => Privileged.RunAs(Privileged.Stranger, copy.PathOf(WindowPeer.Program), arguments);

    private static bool HasAttached(Peer debugger, Peer peer)
    {
        try
        {
            while (!debugger.ReadLine().Contains("attached", StringComparison.Ordinal))
            {
                // It prints about the threads that it finds.
            }

            return IsTraced(peer);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static bool IsTraced(Peer peer) => File.ReadLines($"/proc/{peer.ProcessId}/status").Any(line => line.StartsWith("State:\tt", StringComparison.Ordinal));

    private static string Read(FanInReader reader)
    {
        Span<byte> bytes = stackalloc byte[1024];
        return reader.TryRead(bytes, out var length, out _) ? System.Text.Encoding.UTF8.GetString(bytes[..length]) : "empty";
    }
}
