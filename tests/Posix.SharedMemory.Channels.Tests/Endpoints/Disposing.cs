using System.Reflection;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Endpoints;

/// <summary>An end that is closed while another thread of the process is inside it: what that thread gets is that the end was disposed, not that the channel is corrupt.</summary>
public sealed class Disposing
{
    [Fact]
    [Rule("ring.wait-ends")]
    public void A_look_at_a_dead_peer_from_an_end_that_was_closed_beside_it_is_ObjectDisposedException()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096, Lifetime = Lifetime.Keep });
        Kill("stream", name, "write", 12);
        var memory = ChannelMemory.Open(name);
        var end = RingReader.Open(memory, null);
        memory.Release();
        // As Dispose does on another thread, between the beginning of a wait and its look at the peer.
        end.Endpoint.Close();
        var look = typeof(ChannelEnd).GetMethod("LookAtPeer", BindingFlags.Instance | BindingFlags.NonPublic)!;
        Assert.IsType<ObjectDisposedException>(Assert.Throws<TargetInvocationException>(() => look.Invoke(end, null)).InnerException);
        end.Dispose();
        Assert.Throws<ObjectDisposedException>(() => end.Wait(0, TimeSpan.Zero));
    }

    [Fact]
    [Rule("ring.wait-ends")]
    public void A_read_past_the_claim_of_a_dead_writer_from_an_end_that_was_closed_beside_it_is_ObjectDisposedException()
    {
        using var name = new TemporaryName("fanin");
        using var fanIn = FanIn.Create(name, new() { Capacity = 4096, Lifetime = Lifetime.Keep });
        Kill("fan-in-stream", name, "write", 31);
        var memory = ChannelMemory.Open(name, ChannelLayout.FanInKind);
        var end = ClaimReader.Open(memory, null);
        memory.Release();
        end.Endpoint.Close();
        Assert.Throws<ObjectDisposedException>(() => end.TryRead(new byte[4096], out _, out _));
        end.Dispose();
    }

    /// <summary>A process writes one message, and is killed at a step of it.</summary>
    private static void Kill(string role, string name, string how, int window)
    {
        var killed = new SortedSet<int>();
        using var peer = WindowPeer.Start(role, name, 0, 1, how, window);
        Watchdog.Until(() => peer.HasExited, "the death");
        WindowPeer.Note(killed, window, peer);
        Assert.Equal([window], killed);
    }
}
