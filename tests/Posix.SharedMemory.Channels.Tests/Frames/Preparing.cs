namespace Posix.SharedMemory.Channels.Tests.Frames;

/// <summary>Memory for huge pages that is missing while a channel is created: nothing is left, and a name that was there stays what it was.</summary>
public sealed class Preparing
{
    // madvise(MADV_POPULATE_READ), by which the slots come into memory before they are merged.
    private static readonly FilteredCall[] s_populating = [new("madvise", ["madvise"], new FilterRule(28, 233).Where(2, 22))];

    private static readonly FrameOptions s_options = new() { SlotLength = 1 << 20, SlotCount = 2, HugePages = true, Lifetime = Lifetime.Keep };

    [SkippableFact]
    [Rule("frames.huge-pages")]
    public void A_channel_whose_huge_pages_fail_leaves_no_name()
    {
        Skip.If(ThreadFilter.Obstacle is { } obstacle, ThreadFilter.Obstacle);
        using var name = new TemporaryName("frames");
        RequireFailure(() => FrameChannel.Create(name, s_options));
        RequireFailure(() => FrameChannel.OpenOrCreate(name, out _, s_options));
        RequireFailure(() => FrameChannel.CreateAnonymous(s_options));
        Assert.False(name.Exists);
        using var channel = FrameChannel.Create(name, s_options);
        channel.OpenWriter().Dispose();
    }

    [SkippableFact]
    [Rule("frames.huge-pages")]
    [Rule("frames.follow")]
    public void A_channel_that_cannot_be_replaced_or_succeeded_keeps_its_name()
    {
        Skip.If(ThreadFilter.Obstacle is { } obstacle, ThreadFilter.Obstacle);
        using var name = new TemporaryName("frames");
        using var channel = FrameChannel.Create(name, s_options);
        var identity = channel.Memory.GetStatus().Identity;
        RequireFailure(() => FrameChannel.Create(name, s_options with { OnConflict = NameConflict.Replace }));
        RequireStill();
        channel.OpenWriter().Dispose();
        RequireFailure(() => channel.OpenWriter());
        RequireStill();
        Assert.Equal(identity, channel.Memory.GetStatus().Identity);
        // The next one succeeds it.
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader();
        Assert.Equal(1, writer.Send(writer.Loan(1)));
        Assert.NotEqual(identity, channel.Memory.GetStatus().Identity);

        void RequireStill()
        {
            using var named = SharedMemoryObject.Open(name);
            Assert.Equal(identity, named.GetStatus().Identity);
        }
    }

    private static void RequireFailure(Func<IDisposable> act)
    {
        Collect();
        var before = ProcessState.Take(withMappings: true);
        IDisposable? made = null;
        var thrown = ThreadFilter.Run(s_populating, Errno.ENOMEM, () => made = act());
        made?.Dispose();
        Assert.Equal(Errno.ENOMEM, Assert.IsType<SharedMemoryException>(thrown).Errno);
        Collect();
        // What earlier tests left mapped may be gone by now.
        var after = before.TakeAgain();
        Assert.Equal(before.Descriptors, after.Descriptors);
        Assert.Empty(after.Mappings!.Split('\n').Except(before.Mappings!.Split('\n')));
    }

    /// <summary>What was mapped for a channel is unmapped by the collector.</summary>
    private static void Collect()
    {
        for (var i = 0; i < 2; i++)
        {
#pragma warning disable RS0030 // The collector gives back what nobody references any more, which is what is looked for.
            GC.Collect();
#pragma warning restore RS0030
            GC.WaitForPendingFinalizers();
        }
    }
}
