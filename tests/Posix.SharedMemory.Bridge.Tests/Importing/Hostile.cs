using System.Buffers;
using System.Globalization;

namespace Posix.SharedMemory.Bridge.Tests.Importing;

/// <summary>An importer alone, and a publisher that sends anything.</summary>
#pragma warning disable CA1001 // The test runner ends it by IAsyncLifetime; IAsyncDisposable would never be called.
public sealed class Hostile : IAsyncLifetime
#pragma warning restore CA1001
{
    private const ulong Epoch = 0xE;
    private readonly InMemoryBridgeHub _hub = new();
    private readonly BridgeReports _reports = new();
    private readonly TemporaryName _name = new("hostile");
    private readonly StreamImport _import;
    private MessageChannel _ring = null!;
    private MessageReader _reader = null!;

    public Hostile() => _import = new(_name, Announced(1), _hub.Connect(), new() { WindowBytes = 4096, ChunkBytes = 1024 }, _reports, new(1 << 20));

    public async Task InitializeAsync()
    {
        await _import.StartAsync(default);
        _ring = MessageChannel.Open(_name);
        _reader = _ring.OpenReader(new() { Restart = PeerRestart.Wait });
    }

    public async Task DisposeAsync()
    {
        await _import.DisposeAsync();
        _reader.Dispose();
        _ring.Dispose();
        _name.Dispose();
    }

    [Theory]
    [Rule("bridge.hostile")]
    [InlineData(1, 0, 2041, 2041, 0)]
    [InlineData(1, 0, long.MaxValue, 10, 0)]
    [InlineData(1, long.MaxValue, long.MaxValue, 10, 0)]
    [InlineData(1, 5, 3, 1, 0)]
    [InlineData(1, 0, 3, 4, 0)]
    [InlineData(1, 2, 3, 2, 0)]
    [InlineData(1, 0, 3, 0, 0)]
    [InlineData(0, 0, 3, 3, 0)]
    [InlineData(long.MaxValue, 0, 3, 3, 0)]
    [InlineData(1, 0, 3, 3, 0xFF00)]
    public void A_part_out_of_its_bounds_is_refused_and_the_next_message_arrives(long sequence, long offset, long total, int length, int type)
    {
        Publish(new FrameHeader(Epoch, sequence, offset, total, (ushort)type, 0), new byte[length]);
        Assert.Equal(1, Refused);
        Publish(new FrameHeader(Epoch, 1, 0, 2, 0, 0), [1, 2]);
        Assert.Equal([1, 2], ReadOne());
        Assert.Empty(Losses());
    }

    [Fact]
    [Rule("bridge.hostile")]
    public void Messages_of_a_life_that_was_not_announced_and_headers_that_are_none_are_refused()
    {
        Publish(new FrameHeader(Epoch + 1, 1, 0, 1, 0, 0), [1]);
        Publish("nonsense", [1]);
        Publish(null, [1]);
        Publish(new FrameHeader(Epoch, 2, 0, 0, 0, 0).ToString(), [], lost: "9 3");
        Publish(new FrameHeader(Epoch, 2, 0, 0, 0, 0).ToString(), [], end: "soon");
        Publish(new FrameHeader(Epoch, 1, 0, 5, 0, 0).ToString(), [1, 2, 3, 4, 5], isBatch: true);
        Publish(new FrameHeader(Epoch, 1, 0, 0, 0, 0).ToString(), [], isBatch: true);
        Assert.Equal(7, Refused);
        Assert.False(_reader.TryRead(out MessageLease _));
        Assert.Empty(Losses());
    }

    [Fact]
    [Rule("bridge.torn")]
    public void A_message_of_which_a_part_is_missing_is_never_seen_and_is_reported()
    {
        var whole = Enumerable.Range(0, 1000).Select(i => (byte)i).ToArray();
        Part(1, 0, 400);
        Part(1, 800, 200);
        Part(2, 400, 400);
        Part(3, 0, 400);
        Part(3, 400, 400);
        Part(3, 800, 200);
        Part(4, 0, 400);
        Part(5, 0, 1000);
        Part(6, 0, 400);
        Part(6, 400, 600);
        Assert.Equal(whole, ReadOne());
        Assert.Equal(whole, ReadOne());
        Assert.Equal(whole, ReadOne());
        Assert.False(_reader.TryRead(out MessageLease _));
        Assert.Equal([(1, 2, LossPlace.Wire), (4, 4, LossPlace.Wire)], Losses());

        void Part(long sequence, int offset, int length) => Publish(new FrameHeader(Epoch, sequence, offset, whole.Length, 0, 0), whole.AsSpan(offset, length).ToArray());
    }

    [Fact]
    [Rule("bridge.gap")]
    public void Gaps_are_reported_once_and_what_comes_again_is_not_delivered_again()
    {
        foreach (var sequence in new long[] { 1, 2, 5, 4, 5, 6, 10 })
        {
            Publish(new FrameHeader(Epoch, sequence, 0, 8, 0, 0), BitConverter.GetBytes(sequence));
        }

        foreach (var expected in new long[] { 1, 2, 5, 6, 10 })
        {
            Assert.Equal(expected, BitConverter.ToInt64(ReadOne()));
        }

        Assert.False(_reader.TryRead(out MessageLease _));
        Assert.Equal([(3, 4, LossPlace.Wire), (7, 9, LossPlace.Wire)], Losses());
    }

    [Fact]
    [Rule("bridge.gap")]
    public void The_first_messages_are_missed_too_if_the_channel_ends_before_any_has_come()
    {
        Publish(new FrameHeader(Epoch, 3, 0, 0, 0, 0).ToString(), [], end: "0");
        Assert.Equal([(1, 3, LossPlace.Wire)], Losses());
    }

    [Fact]
    [Rule("bridge.batch")]
    public void A_batch_is_delivered_as_messages_and_one_that_lies_is_refused_as_a_whole()
    {
        var batch = new byte[34];
        BatchRecord.Write(batch, 3, 1);
        BatchRecord.Write(batch.AsSpan(11), 5, 2);
        BatchRecord.Write(batch.AsSpan(24), 2, 3);
        Publish(new FrameHeader(Epoch, 2, 0, batch.Length, 0, 0).ToString(), batch, isBatch: true);
        Assert.Equal(3, ReadOne().Length);
        Assert.Equal(5, ReadOne().Length);
        Assert.Equal(2, ReadOne().Length);
        // Two of its three messages have been here.
        Publish(new FrameHeader(Epoch, 3, 0, batch.Length, 0, 0).ToString(), batch, isBatch: true);
        Assert.Equal(2, ReadOne().Length);
        BatchRecord.Write(batch.AsSpan(24), 3, 3);
        Publish(new FrameHeader(Epoch, 6, 0, batch.Length, 0, 0).ToString(), batch, isBatch: true);
        Assert.False(_reader.TryRead(out MessageLease _));
        Assert.Equal(1, Refused);
        Assert.Equal([(1, 1, LossPlace.Wire)], Losses());
    }

    [Fact]
    [Rule("bridge.places")]
    public async Task Messages_that_the_exporter_dropped_and_those_that_find_no_room_here_are_counted_separately()
    {
        Publish(new FrameHeader(Epoch, 4, 0, 0, 0, 0).ToString(), [], lost: "2 4");
        for (var sequence = 5; sequence <= 100; sequence++)
        {
            // The ring takes four, and six can wait beside it: the window, a message and a chunk, where each counts 64 bytes more than it has.
            Publish(new FrameHeader(Epoch, sequence, 0, 1000, 0, 0), new byte[1000]);
        }

        await _import.DisposeAsync();
        Assert.Equal([(1, 1, LossPlace.Wire), (2, 4, LossPlace.LocalRing), (15, 100, LossPlace.RemoteRing), (9, 14, LossPlace.RemoteRing)], Losses());
    }

    [Fact]
    [Rule("bridge.tail")]
    public void Messages_that_were_published_last_and_never_came_are_noticed_by_the_announcements()
    {
        Publish(new FrameHeader(Epoch, 1, 0, 1, 0, 0), [1]);
        _import.Take(Announced(4));
        Assert.Empty(Losses());
        Thread.Sleep(FrameLimits.AnnounceMilliseconds);
        _import.Take(Announced(4));
        Assert.Equal([(2, 3, LossPlace.Wire)], Losses());
        Publish(new FrameHeader(Epoch, 4, 0, 1, 0, 0), [4]);
        Assert.Equal([1], ReadOne());
        Assert.Equal([4], ReadOne());
    }

    [Fact]
    [Rule("bridge.torn")]
    public void A_message_that_is_not_whole_when_the_channel_ends_is_reported()
    {
        Publish(new FrameHeader(Epoch, 1, 0, 100, 0, 0), new byte[40]);
        _import.Take(Announced(2) with { Completed = 0 });
        Assert.False(_reader.WaitToRead(Watchdog.Limit));
        Assert.Equal([(1, 1, LossPlace.Wire)], Losses());
    }

    [Fact]
    [Rule("bridge.hostile")]
    public void A_sequence_that_the_channel_has_not_reached_does_not_stop_it()
    {
        Publish(new FrameHeader(Epoch, 1L << 60, 0, 1, 0, 0), [9]);
        Assert.Equal([9], ReadOne());
        _import.Take(Announced(2));
        Thread.Sleep(FrameLimits.AnnounceMilliseconds);
        _import.Take(Announced(2));
        Publish(new FrameHeader(Epoch, 2, 0, 1, 0, 0), [2]);
        Assert.Equal([2], ReadOne());
    }

    [Fact]
    [Rule("bridge.hostile")]
    public void Anything_at_all_leaves_the_import_working()
    {
        var random = new Random(7);
        long[] interesting = [0, 1, 2, 3, 100, 2040, 2041, 4096, int.MaxValue, 1L << 32, 1L << 61, long.MaxValue - 1, long.MaxValue];
        for (var i = 0; i < 20_000; i++)
        {
            var header = new FrameHeader(Epoch, random.Next(4) == 0 ? Pick() : random.Next(1, 50), random.Next(2) == 0 ? 0 : Pick(), Pick(), (ushort)random.Next(0x10000), 0);
            var payload = new byte[random.Next(3) == 0 ? random.Next(3000) : random.Next(40)];
            random.NextBytes(payload);
            Publish(header.ToString(), payload, random.Next(3) == 0, random.Next(50) == 0 ? $"{Pick()} {header.Sequence}" : null, null);
            while (_reader.TryRead(out MessageLease lease))
            {
                Assert.True(lease.Span.Length <= 2040);
                lease.Dispose();
            }
        }

        Assert.True(_import.HasRing);

        long Pick() => interesting[random.Next(interesting.Length)];
    }

    [Fact]
    [Rule("bridge.taken")]
    public async Task A_channel_of_this_host_stays_when_the_announced_one_of_that_name_begins_another_life()
    {
        using var name = new TemporaryName("hostile");
        using var own = MessageChannel.Create(name);
        await using var import = new StreamImport(name, Announced(1), _hub.Connect(), new(), _reports, new(1 << 20));
        await import.StartAsync(default);
        Assert.False(import.HasRing);
        import.Take(Announced(1) with { Epoch = "00000000000000ff" });
        Watchdog.Until(() => import.Report.Describe("", false).Refused == 2, "the second refusal");
        Assert.False(import.HasRing);
        Assert.False(own.Memory.IsUnlinked);
    }

    private long Refused => _import.Report.Describe("", false).Refused;

    private static Announcement Announced(long next) => new() { Host = "h", Channel = "x", Kind = 1, Epoch = Epoch.ToString("x16", CultureInfo.InvariantCulture), Capacity = 4096, Alignment = 8, Next = next };

    private void Publish(FrameHeader header, byte[] payload) => Publish(header.ToString(), payload);

    private void Publish(string? header, byte[] payload, bool isBatch = false, string? lost = null, string? end = null) =>
        _import.Receive(new("shm.v1.t.x", new() { Frame = header, IsBatch = isBatch, Lost = lost, End = end }, new ReadOnlySequence<byte>(payload)));

    private byte[] ReadOne()
    {
        Assert.True(_reader.TryRead(out MessageLease lease));
        using (lease)
        {
            return lease.Span.ToArray();
        }
    }

    // What was lost, in the order of the reports. How many reports tell of one gap depends on the time that passes, so neighbours are joined.
    private List<(long First, long Last, LossPlace Where)> Losses()
    {
        var losses = new List<(long First, long Last, LossPlace Where)>();
        while (_reports.Events.TryRead(out var what))
        {
            if (what is not LostEventArgs lost)
            {
                continue;
            }

            var before = losses.FindIndex(loss => loss.Where == lost.Where && loss.Last + 1 == lost.First);
            if (before >= 0)
            {
                losses[before] = (losses[before].First, lost.Last, lost.Where);
            }
            else
            {
                losses.Add((lost.First, lost.Last, lost.Where));
            }
        }

        return losses;
    }
}
