using System.Buffers;

namespace Posix.SharedMemory.Bridge.Tests.Importing;

/// <summary>What a durable import acknowledges, and when.</summary>
public sealed class Acknowledging : IDisposable
{
    private static readonly Announcement s_announced = new() { Host = "h", Channel = "x", Kind = 1, Epoch = "000000000000000e", Capacity = 4096, Alignment = 8, Next = 1, Delivery = BridgeDelivery.Durable };

    private readonly TemporaryName _name = new("acknowledge");
    private readonly BridgeReports _reports = new();
    private readonly DurableIntake _intake;

    public Acknowledging()
    {
        _intake = new(new(_reports, "x", BridgeDirection.Import));
        _intake.Open(ImportedRing.Open(_name, s_announced, FrameLimits.OriginOf("h"), new()));
        _intake.Bound();
    }

    public void Dispose()
    {
        _intake.Detach()?.Dispose();
        _name.Dispose();
    }

    [Fact]
    [Rule("bridge.durable")]
    public void An_acknowledgement_that_was_not_confirmed_is_not_repeated_and_the_message_is_acknowledged_when_it_has_come_again()
    {
        Accept(1, "first");
        Accept(2, "second");
        Assert.Equal(("second", 2), _intake.Settled);
        _intake.Again();
        Assert.Equal(("", 0), _intake.Settled);
        Accept(2, "late");
        Assert.Equal(("", 0), _intake.Settled);
        Assert.True(_intake.MustBindNow);
        _intake.Bound();
        Accept(2, "again");
        Assert.Equal(("again", 1), _intake.Settled);
        _intake.Forget(1);
        Assert.False(_intake.MustBindNow);
    }

    [Fact]
    [Rule("bridge.durable")]
    public void The_end_is_acknowledged_after_the_ring_is_gone()
    {
        Accept(1, "first");
        Accept(1, "end", "0");
        using var completed = _intake.Drain();
        Assert.NotNull(completed);
        Assert.Equal(("end", 2), _intake.Settled);
        Assert.False(_intake.MustBindNow);
        _intake.Again();
        Assert.Equal(("", 0), _intake.Settled);
        Assert.True(_intake.MustBindNow);
        _intake.Bound();
        Accept(1, "first again");
        Accept(1, "end again", "0");
        Assert.Equal(("end again", 2), _intake.Settled);
        Assert.True(_intake.HasUnacknowledged);
        _intake.Forget(2);
        Assert.False(_intake.HasUnacknowledged);
        _intake.Detach();
        Assert.False(_intake.MustBindNow);
    }

    [Fact]
    [Rule("bridge.durable-taking")]
    public void An_acknowledgement_that_the_engine_has_noted_and_not_confirmed_is_over_once_it_keeps_nothing()
    {
        CompleteWithoutConfirmation();
        _intake.Bound();
        Assert.True(_intake.HasUnacknowledged);
        _intake.NothingIsKept();
        Assert.False(_intake.HasUnacknowledged);
        _intake.Again();
        Assert.False(_intake.MustBindNow);
    }

    [Fact]
    [Rule("bridge.durable-taking")]
    public void The_first_message_of_the_next_life_says_that_the_end_of_the_former_is_acknowledged_and_waits_for_its_ring()
    {
        CompleteWithoutConfirmation();
        _intake.Bound();
        Accept(1, "next life", epoch: 15);
        Assert.False(_intake.HasUnacknowledged);
        Assert.False(_intake.MustBindNow);
    }

    [Fact]
    [Rule("bridge.durable-taking")]
    public void Only_where_nothing_waits_here_is_an_engine_silent_that_delivers_nothing()
    {
        Assert.True(_intake.IsIdle);
        Accept(1, "first");
        Assert.False(_intake.IsIdle);
        _intake.Forget(1);
        Assert.True(_intake.IsIdle);
        // Nobody reads: the ring fills up, and what comes waits for room.
        var sequence = 2L;
        for (; _intake.Ring!.ParkedBytes == 0; sequence++)
        {
            Accept(sequence, "more");
        }

        _intake.Forget((int)sequence);
        Assert.False(_intake.IsIdle);
    }

    [Fact]
    [Rule("bridge.durable-bytes")]
    public void An_empty_message_of_the_engine_is_acknowledged_and_nothing_else()
    {
        _intake.Accept(new("shm.v1.t.x", default, default, "filler"), s_announced.EpochNumber);
        Assert.Equal(("filler", 1), _intake.Settled);
        Accept(1, "first");
        Assert.Equal(("first", 2), _intake.Settled);
        Assert.False(_reports.Events.TryRead(out _));
    }

    private void CompleteWithoutConfirmation()
    {
        Accept(1, "first");
        Accept(1, "end", "0");
        _intake.Drain()!.Dispose();
        _intake.Again();
    }

    private void Accept(long sequence, string acknowledgement, string? end = null, ulong epoch = 14) =>
        _intake.Accept(
            new("shm.v1.t.x", new() { Frame = new FrameHeader(epoch, sequence, 0, end is null ? 8 : 0, 0, 0).ToString(), End = end }, end is null ? new ReadOnlySequence<byte>(BitConverter.GetBytes(sequence)) : default, acknowledgement),
            s_announced.EpochNumber);
}
