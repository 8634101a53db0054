using System.Buffers;
using System.Globalization;

namespace Posix.SharedMemory.Bridge.Tests.Importing;

/// <summary>What an import takes of what the engine keeps, in whatever order that is delivered.</summary>
public sealed class Taking : IDisposable
{
    private const ulong First = 0xE, Second = 0xF;
    private readonly BridgeReports _reports = new();
    private readonly TemporaryName _name = new("taking");
    private readonly DurableIntake _intake;
    private readonly ImportedRing _ring;
    private readonly MessageChannel _channel;
    private readonly MessageReader _reader;

    public Taking()
    {
        _intake = new(new(_reports, "x", BridgeDirection.Import));
        _ring = ImportedRing.Open(_name, new() { Host = "h", Channel = "x", Kind = 1, Epoch = "000000000000000e", Capacity = 4096, Alignment = 8, Next = 1, Delivery = BridgeDelivery.Durable }, 5, new());
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

    private void Bind() => _intake.Bound();

    private void Deliver(ulong epoch, long sequence, string acknowledgement, int length = 8) => DeliverPart(epoch, sequence, 0, length, length, acknowledgement);

    /// <summary>The first bytes of each part are the sequence.</summary>
    private void DeliverPart(ulong epoch, long sequence, long offset, long total, int length, string acknowledgement)
    {
        var payload = new byte[length];
        BitConverter.TryWriteBytes(payload, sequence);
        _intake.Accept(new("shm.v1.t.x", new() { Frame = new FrameHeader(epoch, sequence, offset, total, 0, 0).ToString() }, new ReadOnlySequence<byte>(payload), acknowledgement), First);
    }

    private void DeliverEnd(ulong epoch, long last, string acknowledgement, ulong announced) =>
        _intake.Accept(new("shm.v1.t.x", new() { Frame = new FrameHeader(epoch, last, 0, 0, 0, 0).ToString(), End = "0" }, default, acknowledgement), announced);

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
