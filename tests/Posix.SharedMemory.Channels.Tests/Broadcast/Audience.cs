using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Broadcasts;

/// <summary>Two readers that check every message: one that loses nothing, and one that says exactly what it missed.</summary>
internal sealed class Audience(Broadcast broadcast) : IDisposable
{
    private readonly BroadcastReader _lossy = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy });
    private readonly byte[] _bytes = new byte[1024];
    private long _next;

    internal BroadcastReader Lossless { get; } = broadcast.OpenReader(new() { SpinBudget = TimeSpan.Zero });

    /// <summary>Gets the number of the next message.</summary>
    internal long Expected { get; private set; }

    /// <summary>Reads what comes, up to a number at least.</summary>
    internal void ReadUntil(long number)
    {
        while (Expected < number)
        {
            Assert.True(Lossless.WaitToRead(Watchdog.Limit));
            Read();
        }
    }

    /// <summary>Reads what is there.</summary>
    internal void Read()
    {
        while (Lossless.TryRead(out MessageLease lease))
        {
            using (lease)
            {
                Assert.Equal(Expected++, Streams.Check(lease.Span, 1024));
            }
        }

        while (_lossy.TryRead(_bytes, out var info))
        {
            Assert.Equal(_next + info.Missed, info.Sequence);
            Assert.Equal(info.Sequence, Streams.Check(_bytes.AsSpan(0, info.Length), 1024));
            _next = info.Sequence + 1;
        }
    }

    /// <summary>Reads everything; then the death is reported, once.</summary>
    internal void ExpectDeath()
    {
        Watchdog.Until(() => Lossless.Writer == PeerState.Died, "the death");
        Read();
        Assert.Throws<PeerDiedException>(() => Lossless.WaitToRead(Watchdog.Limit));
        Assert.False(Lossless.WaitToRead(TimeSpan.Zero));
        Assert.Equal(Expected, _next);
    }

    public void Dispose()
    {
        Lossless.Dispose();
        _lossy.Dispose();
    }
}
