using System.Globalization;
using System.Net.Sockets;

namespace Posix.SharedMemory.Tests.Passing;

/// <summary>The process at the other end: its identity, and what it makes of what it gets.</summary>
public sealed class Knowing
{
    [Theory]
    [MemberData(nameof(Sending.Types), MemberType = typeof(Sending))]
    [Rule("pass.peer")]
    public void The_peer_of_a_socket_pair_is_this_process(SocketType type)
    {
        using var pair = new SocketPair(type);
        var credentials = pair.Sender.GetPeerCredentials();
        Assert.Equal(Environment.ProcessId, credentials.ProcessId);
        using var memory = SharedMemoryObject.CreateUnpublished(1);
        var status = memory.GetStatus();
        Assert.Equal((status.UserId, status.GroupId), (credentials.UserId, credentials.GroupId));
    }

    [SkippableTheory]
    [InlineData(SocketType.Stream)]
    [InlineData(SocketType.Seqpacket)]
    [Rule("pass.peer")]
    public void The_peer_is_the_process_that_connected(SocketType type)
    {
        using var directory = TemporaryDirectory.InMemory();
        using var listener = new Socket(AddressFamily.Unix, type, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(directory.File("socket")));
        listener.Listen();
        using var alone = new Socket(AddressFamily.Unix, type, ProtocolType.Unspecified);
        Assert.Equal(Errno.ENOTCONN, Assert.Throws<SharedMemoryException>(() => alone.GetPeerCredentials()).Errno);
        using var peer = Peer.Start("pass", type.ToString(), directory.File("socket"));
        using var socket = Watchdog.Run(listener.Accept, "the peer");
        Assert.Equal(peer.ProcessId, socket.GetPeerCredentials().ProcessId);
        Assert.Equal($"ok {Environment.ProcessId}", peer.Ask("who"));

        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        File.SetUnixFileMode(directory.Path, (UnixFileMode)0x1FF);
        File.SetUnixFileMode(directory.File("socket"), (UnixFileMode)0x1FF);
        using var copy = new ReadableCopy();
        using var stranger = Privileged.StartAsStranger(copy, "pass", type.ToString(), directory.File("socket"));
        using var other = Watchdog.Run(listener.Accept, "the stranger");
        Assert.Equal(new PeerCredentials(stranger.ProcessId, Privileged.Stranger, Privileged.Stranger), other.GetPeerCredentials());
    }

    [SkippableTheory]
    [InlineData(SocketType.Stream)]
    [InlineData(SocketType.Seqpacket)]
    [Rule("pass.nofile")]
    [Rule("pass.clean")]
    public async Task A_process_at_its_descriptor_limit_receives_what_fits_and_learns_of_the_rest(SocketType type)
    {
        using var directory = TemporaryDirectory.InMemory();
        using var listener = new Socket(AddressFamily.Unix, type, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(directory.File("socket")));
        listener.Listen();
        using var peer = Peer.Start("pass", type.ToString(), directory.File("socket"));
        using var socket = Watchdog.Run(listener.Accept, "the peer");
        using var one = new Tracked();

        // Once without a limit, so that the runtime has opened what it needs.
        await socket.SendHandlesAsync(new byte[1], [one.Handle]);
        Assert.Equal("ok 1 1 False", peer.Ask("receive 5"));
        await socket.SendHandlesAsync(new byte[16], []);
        Assert.StartsWith("InvalidDataException", peer.Ask("receive-object None"), StringComparison.Ordinal);
        var open = Directory.EnumerateFileSystemEntries($"/proc/{peer.ProcessId}/fd").Select(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture)).ToHashSet();
        foreach (var (free, sent) in new[] { (3, 10), (0, 10), (0, 1), (9, 10), (10, 10) })
        {
            // As many numbers below the limit are free.
            var limit = Enumerable.Range(0, 10_000).Where(number => !open.Contains(number)).ElementAt(free);
            Limit(peer, limit);
            await socket.SendHandlesAsync(new byte[1], [.. Enumerable.Repeat(one.Handle, sent)]);
            Assert.Equal($"ok 1 {Math.Min(free, sent)} {free < sent}", peer.Ask("receive 253"));
            Assert.Equal(open.Count, Directory.EnumerateFileSystemEntries($"/proc/{peer.ProcessId}/fd").Count());
        }

        // An object whose descriptor cannot be had is refused.
        Limit(peer, Enumerable.Range(0, 10_000).First(number => !open.Contains(number)));
        await socket.SendObjectAsync(one.Memory);
        Assert.Contains("RLIMIT_NOFILE", peer.Ask("receive-object None"), StringComparison.Ordinal);
        Limit(peer, 1000);
        await socket.SendObjectAsync(one.Memory);
        Assert.Equal("ok 100", peer.Ask("receive-object None"));
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("pass.errors")]
    public async Task A_user_with_too_many_descriptors_sent_and_not_received_gets_an_error()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        using var directory = TemporaryDirectory.InMemory();
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(directory.File("socket")));
        listener.Listen();
        File.SetUnixFileMode(directory.Path, (UnixFileMode)0x1FF);
        File.SetUnixFileMode(directory.File("socket"), (UnixFileMode)0x1FF);
        using var copy = new ReadableCopy();
        Skip.IfNot(Installed.Has("prlimit"), "prlimit is not installed.");
        using var stranger = Peer.Run(
            "setpriv",
            [$"--reuid={Privileged.Stranger}", $"--regid={Privileged.Stranger}", "--clear-groups", "prlimit", "--nofile=250:250", copy.Program, "pass", "Stream", directory.File("socket")]);
        using var socket = Watchdog.Run(listener.Accept, "the stranger");

        // The kernel looks at what is on its way already.
        Assert.Equal("ok", stranger.Ask($"send {Native.MostHandles}"));
        var answer = stranger.Ask($"send {Native.MostHandles}");
        Assert.StartsWith("SharedMemoryException sendmsg: ", answer, StringComparison.Ordinal);
        Assert.EndsWith($"(ETOOMANYREFS): sending {Native.MostHandles} more descriptors would exceed what this user may have sent and not yet received (RLIMIT_NOFILE)", answer, StringComparison.Ordinal);

        // Received, they no longer count.
        using var result = await socket.ReceiveHandlesAsync(new byte[1], 253);
        Assert.Equal(Native.MostHandles, result.Handles.Count);
        Assert.Equal("ok", stranger.Ask($"send {Native.MostHandles}"));
    }

    [SkippableFact]
    [Rule("pass.full")]
    public async Task More_waits_than_the_peer_may_have_descriptors_end_when_there_is_room()
    {
        const int Messages = 1000, Bytes = 1000;
        using var directory = TemporaryDirectory.InMemory();
        using var listener = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(directory.File("socket")));
        listener.Listen();
        using var peer = Peer.Start("pass", nameof(SocketType.Seqpacket), directory.File("socket"));
        using var socket = Watchdog.Run(listener.Accept, "the peer");
        Limit(peer, 200);
        var waiting = int.Parse(peer.Ask($"send-many {Messages} {Bytes}"), CultureInfo.InvariantCulture);
        Assert.True(waiting > 200, $"Only {waiting} have to wait.");
        for (var round = 0; round < Messages; round++)
        {
            using var result = await socket.ReceiveHandlesAsync(new byte[Bytes], 0).AsTask().WaitAsync(Watchdog.Limit);
            Assert.Equal(Bytes, result.BytesReceived);
        }

        Assert.Equal("ok", peer.ReadLine());
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    private static void Limit(Peer peer, int descriptors)
    {
        Skip.IfNot(Installed.Has("prlimit"), "prlimit is not installed.");
        using var limiting = Peer.Run("prlimit", $"--pid={peer.ProcessId}", string.Create(CultureInfo.InvariantCulture, $"--nofile={descriptors}:"));
        var (exitCode, _, errors) = limiting.Finish();
        Assert.True(exitCode == 0, errors);
    }
}
