namespace Posix.SharedMemory.Bridge.Tests.Exporting;

/// <summary>Frames that were overwritten before the bridge had read them.</summary>
public sealed class Overwriting : IDisposable
{
    private readonly TemporaryName _name = new("overwrite");
    private readonly FrameChannel _channel;
    private readonly FrameWriter _writer;
    private readonly FramesSource _source;
    private readonly MessageTaker _taker;

    public Overwriting()
    {
        _channel = FrameChannel.Create(_name, new() { Classes = [new(4096, 8)], Depth = 2, MaxReaders = 2 });
        _writer = _channel.OpenWriter();
        _source = FramesSource.Open(_name, SourceHeader.TryRead(_channel.Memory)!.Value, isDurable: false);
        _taker = new(_source, 1024);
    }

    public void Dispose()
    {
        _taker.Dispose();
        _source.Dispose();
        _writer.Dispose();
        _channel.Dispose();
        _name.Dispose();
    }

    [Fact]
    [Rule("bridge.latest")]
    public void The_newest_frame_is_found_past_frames_that_are_missing()
    {
        Send(1, 1);
        Assert.True(_taker.TryTakeNewest());
        // Two are there, and seven are missing before them.
        Send(2, 10);
        Assert.True(_taker.TryTakeNewest());
        Assert.Equal((10, 11L), ((int)_taker.Taken.Span[0], _taker.Next));
        Assert.False(_taker.TryTakeNewest());
        Assert.Equal(10, _taker.Taken.Span[0]);
    }

    [Fact]
    [Rule("bridge.unhindered")]
    public void Missing_frames_belong_to_those_that_are_dropped_and_do_not_end_the_dropping()
    {
        Send(1, 1);
        Assert.True(_taker.TryTake(TimeSpan.Zero));
        Send(2, 10);
        Assert.Equal((2L, 9L), _taker.DropOldest(1));
        Assert.Equal(default, _source.TakeMissed());
        Send(11, 20);
        Assert.Equal((10L, 20L), _taker.DropOldest(0));
        Assert.Equal(default, _taker.DropOldest(0));
    }

    private void Send(int first, int last)
    {
        for (var number = first; number <= last; number++)
        {
            using var frame = _writer.Loan(100, Watchdog.Limit);
            frame.Span.Fill((byte)number);
            _writer.Send(frame, Watchdog.Limit);
        }
    }
}
