using System.Buffers;
using System.Globalization;
using Posix.SharedMemory.Bridge.Tests.Backends;

namespace Posix.SharedMemory.Bridge.Tests.Importing;

/// <summary>What announcements can make an importer do, the first one of a channel and every later one.</summary>
public sealed class Limits
{
    private readonly BridgeReports _reports = new();

    [Fact]
    [Rule("bridge.bounded")]
    public async Task A_completed_ring_that_nobody_reads_gives_way_where_its_bytes_are_needed()
    {
        using var name = new TemporaryName("limits");
        var budget = new ImportBudget(4096);
        await using var import = new StreamImport(name, Announced(1), new InMemoryBridgeHub().Connect(), new(), _reports, budget);
        await import.StartAsync(default);
        import.Receive(new("shm.v1.t.x", new() { Frame = new FrameHeader(1, 1, 0, 8, 0, 0).ToString() }, new ReadOnlySequence<byte>(new byte[8])));
        import.Receive(new("shm.v1.t.x", new() { Frame = new FrameHeader(1, 1, 0, 0, 0, 0).ToString(), End = "0" }, default));
        Watchdog.Until(() => import.IsCompleted, "the end");
        Assert.True(name.Exists);
        Assert.False(budget.TryTake(4096));
        Watchdog.Until(() => !name.Exists, "the ring to give way");
    }

    [Fact]
    [Rule("bridge.announced")]
    public async Task Every_announcement_is_checked_and_not_only_the_first()
    {
        using var name = new TemporaryName("limits");
        await using var import = new StreamImport(name, Announced(1), new InMemoryBridgeHub().Connect(), new(), _reports, new(1 << 30));
        await import.StartAsync(default);
        Announcement[] bad =
        [
            Announced(2) with { Capacity = 1L << 40 }, Announced(2) with { Capacity = 4097 }, Announced(2) with { Capacity = -1 }, Announced(2) with { Alignment = 7 }, Announced(2) with { Kind = 3 },
            Announced(2) with { Kind = 5 }, Announced(2) with { Kind = 4 }, Announced(2) with { Kind = 6, Ends = 65 }, Announced(2) with { Kind = 3, Ends = 1, History = -1 },
            Announced(2) with { Delivery = BridgeDelivery.Durable }, Announced(1) with { Capacity = 8192 }, Announced(1) with { SchemaId = 5 }, Announced(1) with { ContentType = "x" },
        ];
        foreach (var announced in bad)
        {
            import.Take(announced);
        }

        Assert.Equal(bad.Length, Refused(import));
        using var ring = MessageChannel.Open(name);
        Assert.Equal((4096, ChannelState.Open, false), (ring.GetStatus().Capacity, ring.GetStatus().State, ring.Memory.IsUnlinked));
    }

    [Fact]
    [Rule("bridge.announced")]
    public async Task A_later_life_that_exceeds_the_limit_is_refused_and_gives_back_what_the_former_took()
    {
        using var name = new TemporaryName("limits");
        await using var import = new StreamImport(name, Announced(1), new InMemoryBridgeHub().Connect(), new(), _reports, new(4096));
        await import.StartAsync(default);
        import.Take(Announced(2) with { Capacity = 8192 });
        Watchdog.Until(() => Refused(import) == 1, "the refusal");
        Assert.False(import.HasRing);
        Assert.False(name.Exists);
        import.Take(Announced(3));
        Watchdog.Until(() => import.HasRing, "the next life");
        await import.DisposeAsync();
        Assert.False(name.Exists);
    }

    [Fact]
    [Rule("bridge.announced")]
    public async Task Announcements_open_nothing_where_the_engine_reads()
    {
        using var name = new TemporaryName("limits");
        await using var import = new StreamImport(name, Announced(1), new InMemoryBridgeHub().Connect(), new(), _reports, new(1 << 30));
        import.Take(Announced(1));
        import.Take(Announced(2));
        Assert.False(import.HasRing);
        Assert.False(name.Exists);
    }

    [Fact]
    [Rule("bridge.announced")]
    public async Task A_channel_that_is_announced_while_its_import_begins_is_imported_once()
    {
        using var prefix = new TemporaryName("limits");
        var backend = new InterceptedBackend(new InMemoryBridgeHub().Connect());
        var imports = new ImportList(backend, new() { Import = ["*"], NamePrefix = prefix }, _reports);
        backend.Subscribing = _ => Announce();
        Announce();
        for (var i = 0; i < 3; i++)
        {
            await imports.OpenAsync(default);
        }

        Assert.Equal(1, backend.Subscribed);
        Assert.Single(imports.Describe());
        await imports.DisposeAsync();
        Assert.Equal(0, backend.Subscribed);

        void Announce() => imports.Receive(new("shm.v1.channels.h", default, new ReadOnlySequence<byte>(Announced(1).ToBytes())));
    }

    [Fact]
    [Rule("bridge.bounded")]
    public async Task No_more_than_a_thousand_channels_are_imported()
    {
        using var prefix = new TemporaryName("limits");
        // Nothing is left for a ring: the imports themselves are counted.
        var imports = new ImportList(new InMemoryBridgeHub().Connect(), new() { Import = ["*"], NamePrefix = prefix, ImportLimitBytes = 0 }, _reports);
        for (var i = 0; i < 1500; i++)
        {
            imports.Receive(new("shm.v1.channels.h", default, new ReadOnlySequence<byte>((Announced(1) with { Channel = $"c{i}" }).ToBytes())));
            if (i % 500 == 499)
            {
                await imports.OpenAsync(default);
            }
        }

        Assert.Equal(1000, imports.Describe().Count);
        await imports.DisposeAsync();
    }

    [Fact]
    [Rule("bridge.replaced")]
    public void A_ring_that_another_bridge_writes_stays_and_one_that_nobody_writes_is_replaced_by_the_announced_shape()
    {
        using var name = new TemporaryName("limits");
        var former = ImportedRing.Open(name, Announced(1), 5, new());
        using var channel = MessageChannel.Open(name);
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        foreach (var announced in new[] { Announced(2), Announced(2) with { Capacity = 8192 } })
        {
            Assert.Equal(Errno.EBUSY, Assert.Throws<SharedMemoryException>(() => ImportedRing.Open(name, announced, 5, new())).Errno);
            Assert.False(channel.Memory.IsUnlinked);
        }

        Assert.Throws<InvalidOperationException>(() => ImportedRing.Open(name, Announced(2), 6, new()));
        former.Dispose();
        using (ImportedRing.Open(name, Announced(2), 5, new()))
        {
            Assert.False(channel.Memory.IsUnlinked);
        }

        using var other = ImportedRing.Open(name, Announced(3) with { Capacity = 8192 }, 5, new());
        Assert.True(channel.Memory.IsUnlinked);
        Assert.Equal((int)Errno.ESTALE, Assert.Throws<ChannelException>(() => reader.WaitToRead(Watchdog.Limit)).Error);
    }

    [Fact]
    [Rule("bridge.replaced")]
    public async Task A_ring_whose_name_was_removed_is_made_again()
    {
        using var name = new TemporaryName("limits");
        await using var import = new StreamImport(name, Announced(1), new InMemoryBridgeHub().Connect(), new(), _reports, new(4096));
        await import.StartAsync(default);
        SharedMemoryObject.Unlink(name);
        Watchdog.Until(
            () =>
            {
                import.Take(Announced(1));
                return name.Exists;
            },
            "the ring to be made again");
        Assert.Equal(1, Refused(import));
    }

    private static Announcement Announced(int life) =>
        new() { Host = "h", Channel = "x", Kind = 1, Epoch = life.ToString("x16", CultureInfo.InvariantCulture), Capacity = 4096, Alignment = 8, Next = 1 };

    private static long Refused(ChannelImport import) => import.Report.Describe("", isCompleted: false).Refused;
}
