using System.Buffers;
using System.Globalization;

namespace Posix.SharedMemory.Bridge.Tests.Importing;

/// <summary>What an import takes of what the engine keeps, in whatever order that is delivered.</summary>
public sealed class Taking : IDisposable
{
    private const ulong First = 0xE, Second = 0xF, Stranger = 0x10;
    private static readonly Announcement s_announcement = new() { Host = "h", Channel = "x", Kind = 1, Epoch = "000000000000000e", Capacity = 4096, Alignment = 8, Next = 1, Delivery = BridgeDelivery.Durable };

    private readonly BridgeReports _reports = new();
    private readonly TemporaryName _name = new("taking");
    private readonly DurableIntake _intake;
    private readonly ImportedRing _ring;
    private ulong _announced = First;
    private readonly MessageChannel _channel;
    private readonly MessageReader _reader;

    public Taking()
    {
        _intake = new(new(_reports, "x", BridgeDirection.Import));
        _ring = ImportedRing.Open(_name, s_announcement, 5, new());
        _channel = MessageChannel.Open(_name);
        _reader = _channel.OpenReader(new() { Restart = PeerRestart.Wait });
        _intake.Open(_ring);
        Bind();
    }

    public void Dispose()
    {
        _reader.Dispose();
        _channel.Dispose();
        _ring.Dispose();
        _name.Dispose();
    }

    [Fact]
    [Rule("bridge.durable-taking")]
    public void Older_messages_are_skipped_and_acknowledged_and_those_that_do_not_follow_are_left()
    {
        Deliver(First, 1, "a");
        Deliver(First, 2, "b");
        Deliver(First, 2, "c");
        Deliver(First, 1, "d");
        Assert.Equal(("d", 4), _intake.Settled);
        Deliver(First, 4, "e");
        Assert.True(_intake.MustBindNow);
        Deliver(First, 3, "f");
        Assert.Equal(("d", 4), _intake.Settled);
        Bind();
        Deliver(First, 3, "g");
        Deliver(First, 4, "h");
        Assert.Equal(("h", 2), _intake.Settled);
        Assert.Equal([1, 2, 3, 4], ReadAll());
        Assert.False(_reports.Events.TryRead(out _));
    }

    [Fact]
    [Rule("bridge.durable-taking")]
    public void A_gap_that_stays_when_everything_was_delivered_again_is_lost()
    {
        Deliver(First, 1, "a");
        for (var i = 0; i < 2; i++)
        {
            Deliver(First, 5, "b");
            Assert.True(_intake.MustBindNow);
            Bind();
        }

        Deliver(First, 5, "c");
        Assert.Equal([1, 5], ReadAll());
        Assert.True(_reports.Events.TryRead(out var what));
        Assert.Equal((2, 4, LossPlace.Wire), (((LostEventArgs)what).First, ((LostEventArgs)what).Last, ((LostEventArgs)what).Where));
    }

    [Fact]
    [Rule("bridge.durable-taking")]
    public void Another_life_begins_when_all_of_the_former_is_acknowledged_and_the_end_of_an_old_one_is_skipped()
    {
        Deliver(First, 1, "a");
        Announce(Second);
        Deliver(Second, 1, "b");
        Assert.True(_intake.MustBindNow);
        Assert.Equal(("a", 1), _intake.Settled);
        _intake.Forget(1);
        Bind();
        DeliverEnd(First, 1, "c", announced: Second);
        Assert.Null(_intake.Drain());
        Assert.Equal(("c", 1), _intake.Settled);
        _intake.Forget(1);
        Deliver(Second, 1, "d");
        Deliver(Second, 2, "e");
        DeliverEnd(Second, 2, "f", announced: Second);
        // The end is acknowledged when the ring was completed.
        Assert.Equal(("e", 2), _intake.Settled);
        Assert.Same(_ring, _intake.Drain());
        Assert.Equal(("f", 3), _intake.Settled);
        Assert.Equal([1, 1, 2], ReadAll());
        Assert.False(_reader.WaitToRead(Watchdog.Limit));
    }

    [Fact]
    [Rule("bridge.durable-taking")]
    public void Parts_are_acknowledged_when_the_message_is_whole_and_an_exporter_that_begins_again_is_understood()
    {
        DeliverPart(First, 1, 0, 300, 100, "a");
        DeliverPart(First, 1, 100, 300, 100, "b");
        Assert.Equal(("", 0), _intake.Settled);
        DeliverPart(First, 1, 0, 300, 150, "c");
        DeliverPart(First, 1, 0, 300, 100, "d");
        DeliverPart(First, 1, 100, 300, 100, "e");
        DeliverPart(First, 1, 100, 300, 100, "f");
        DeliverPart(First, 1, 200, 300, 100, "g");
        Assert.Equal(("g", 7), _intake.Settled);
        Assert.Equal([1], ReadAll());
        Assert.False(_reports.Events.TryRead(out _));
        DeliverPart(First, 2, 100, 300, 100, "h");
        Assert.True(_intake.MustBindNow);
    }

    [Fact]
    [Rule("bridge.durable-taking")]
    public void Messages_that_wait_for_room_are_not_acknowledged()
    {
        var sequence = 1L;
        for (; !_ring.IsParking; sequence++)
        {
            Deliver(First, sequence, sequence.ToString(CultureInfo.InvariantCulture), length: 1000);
        }

        Assert.Equal(((sequence - 2).ToString(CultureInfo.InvariantCulture), (int)sequence - 2), _intake.Settled);
        Assert.True(_reader.TryRead(out MessageLease lease));
        lease.Dispose();
        Assert.Null(_intake.Drain());
        Assert.Equal(((sequence - 1).ToString(CultureInfo.InvariantCulture), (int)sequence - 1), _intake.Settled);
    }

    [Fact]
    [Rule("bridge.durable-hostile")]
    public void A_life_that_is_not_announced_waits_and_is_taken_when_it_is()
    {
        Deliver(First, 1, "a");
        Deliver(Second, 1, "b");
        Assert.Equal((Second, true), (_intake.Unannounced, _intake.MustBindNow));
        Announce(Second);
        _intake.Forget(1);
        Bind();
        Deliver(Second, 1, "c");
        Assert.Equal(("c", 1), _intake.Settled);
        Assert.Equal([1, 1], ReadAll());
        Assert.False(_reports.Events.TryRead(out _));
    }

    [Theory]
    [Rule("bridge.durable-hostile")]
    [InlineData(true)]
    [InlineData(false)]
    public void A_message_of_a_stranger_with_another_life_is_refused_and_the_channel_goes_on(bool isNoted)
    {
        Deliver(First, 1, "a");
        Deliver(Stranger, 7, "b");
        Assert.True(_intake.MustBindNow);
        if (isNoted)
        {
            _intake.Refuse(Stranger);
        }
        else
        {
            _intake.Follow(First, 2, 10_000);
            Assert.Equal(Stranger, _intake.Unannounced);
            _intake.Follow(First, 2, 10_000 + FrameLimits.SureMilliseconds);
        }

        Assert.Equal(0UL, _intake.Unannounced);
        _intake.Forget(1);
        Bind();
        Deliver(Stranger, 7, "c");
        Deliver(First, 2, "d");
        Deliver(Stranger, 8, "e");
        Deliver(First, 3, "f");
        Assert.Equal(("f", 4), _intake.Settled);
        Assert.Equal([1, 2, 3], ReadAll());
        Assert.Contains("not announced", Assert.IsType<RefusedEventArgs>(Assert.Single(ReadEvents())).Reason, StringComparison.Ordinal);
    }

    [Fact]
    [Rule("bridge.durable-hostile")]
    public void A_life_that_a_stranger_interrupts_before_the_announced_one_has_begun_goes_on()
    {
        Deliver(First, 1, "a");
        Announce(Second);
        _intake.Forget(1);
        Deliver(Stranger, 7, "b");
        _intake.Forget(1);
        Deliver(First, 1, "c");
        _intake.Forget(1);
        Deliver(First, 2, "d");
        _intake.Forget(1);
        // A third begins in the middle: nothing is known of what was before.
        Deliver(Second, 1, "e");
        Assert.Equal(("e", 1), _intake.Settled);
        Assert.Equal([1, 7, 2, 1], ReadAll());
        Assert.False(_reports.Events.TryRead(out _));
    }

    [Fact]
    [Rule("bridge.durable-hostile")]
    public void A_sequence_that_the_exporter_has_not_reached_is_refused_and_nothing_is_lost_for_it()
    {
        var now = Environment.TickCount64;
        Deliver(First, 1, "a");
        _intake.Follow(First, 2, now);
        for (var i = 0; i < 5; i++)
        {
            Deliver(First, 1L << 40, "b");
            Assert.True(_intake.MustBindNow);
            Bind();
        }

        _intake.Follow(First, 3, now);
        _intake.Follow(First, 3, now + FrameLimits.SureMilliseconds);
        Deliver(First, 1L << 40, "c");
        DeliverEnd(First, 1L << 41, "d", First);
        Deliver(First, 2, "e");
        Assert.Equal(("e", 3), _intake.Settled);
        Assert.Null(_intake.Drain());
        Assert.Equal([1, 2], ReadAll());
        Assert.IsType<RefusedEventArgs>(Assert.Single(ReadEvents()));
        // What the engine has lost before a message that the exporter has reached is lost.
        _intake.Follow(First, 6, now);
        for (var i = 0; i < 3; i++)
        {
            Bind();
            Deliver(First, 5, "f");
        }

        Assert.Equal([5], ReadAll());
        Assert.Equal((3, 4), ReadEvents().OfType<LostEventArgs>().Select(loss => (loss.First, loss.Last)).Single());
    }

    [Fact]
    [Rule("bridge.durable-hostile")]
    public void A_sequence_of_a_stranger_that_was_taken_while_the_exporter_was_away_is_undone_also_by_another_import()
    {
        Deliver(First, 1, "a");
        for (var i = 0; i < 3; i++)
        {
            Bind();
            Deliver(First, 1L << 40, "b");
        }

        Assert.Equal([1, 1L << 40], ReadAll());
        _intake.Detach()!.Dispose();
        var next = new DurableIntake(new(_reports, "x", BridgeDirection.Import));
        next.Open(ImportedRing.Open(_name, s_announcement, 5, new()));
        next.Bound();
        next.Follow(First, 2, 10_000);
        next.Follow(First, 2, 10_000 + FrameLimits.SureMilliseconds);
        Assert.True(next.MustBindNow);
        next.Bound();
        next.Accept(new("shm.v1.t.x", new() { Frame = new FrameHeader(First, 2, 0, 8, 0, 0).ToString() }, new ReadOnlySequence<byte>(BitConverter.GetBytes(2L)), "c"), First);
        Assert.Equal([2], ReadAll());
        next.Detach()!.Dispose();
    }

    private void Bind() => _intake.Bound();

    private void Deliver(ulong epoch, long sequence, string acknowledgement, int length = 8) => DeliverPart(epoch, sequence, 0, length, length, acknowledgement);

    /// <summary>The first bytes of each part are the sequence.</summary>
    private void DeliverPart(ulong epoch, long sequence, long offset, long total, int length, string acknowledgement)
    {
        var payload = new byte[length];
        BitConverter.TryWriteBytes(payload, sequence);
        _intake.Accept(new("shm.v1.t.x", new() { Frame = new FrameHeader(epoch, sequence, offset, total, 0, 0).ToString() }, new ReadOnlySequence<byte>(payload), acknowledgement), _announced);
    }

    private void DeliverEnd(ulong epoch, long last, string acknowledgement, ulong announced) =>
        _intake.Accept(new("shm.v1.t.x", new() { Frame = new FrameHeader(epoch, last, 0, 0, 0, 0).ToString(), End = "0" }, default, acknowledgement), announced);

    private void Announce(ulong epoch)
    {
        _announced = epoch;
        _intake.BeginLife(epoch);
    }

    private List<EventArgs> ReadEvents()
    {
        var all = new List<EventArgs>();
        while (_reports.Events.TryRead(out var what))
        {
            all.Add(what);
        }

        return all;
    }

    private List<long> ReadAll()
    {
        var all = new List<long>();
        while (_reader.TryRead(out MessageLease lease))
        {
            using (lease)
            {
                all.Add(BitConverter.ToInt64(lease.Span));
            }
        }

        return all;
    }
}
