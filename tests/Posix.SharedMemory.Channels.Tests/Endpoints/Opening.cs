using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Endpoints;

/// <summary>Channels are created, opened and refused.</summary>
public sealed class Opening
{
    [Fact]
    [Rule("channel.create")]
    public void A_channel_is_created_once_and_opened_by_its_name()
    {
        using var name = new TemporaryName("channel");
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => MessageChannel.Open(name)).Errno);
        using (var channel = MessageChannel.Create(name, new() { Capacity = 8192, SchemaId = 7, ContentType = "text/plain" }))
        {
            Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => MessageChannel.Create(name)).Errno);
            using var again = MessageChannel.Open(name, 7);
            Assert.Equal("text/plain", again.GetStatus().ContentType);
            Assert.Equal(7UL, again.GetStatus().SchemaId);
            using var third = MessageChannel.OpenOrCreate(name, out var created, new() { SchemaId = 7 });
            Assert.False(created);
            Assert.Equal(8192, third.GetStatus().Capacity);
            Assert.Equal(name, channel.Memory.Name);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, channel.Memory.Permissions);
        }

        Assert.False(name.Exists);
        using var fourth = MessageChannel.OpenOrCreate(name, out var isNew);
        Assert.True(isNew);
        using var fifth = MessageChannel.Create(name, new() { OnConflict = NameConflict.Replace, Lifetime = Lifetime.Keep });
        Assert.Throws<ArgumentException>(() => MessageChannel.OpenOrCreate(name, out _, new() { OnConflict = NameConflict.Replace }));
    }

    [Fact]
    [Rule("channel.replace")]
    public void An_abandoned_channel_is_replaced_or_continued_and_one_in_use_is_not_touched()
    {
        using var name = new TemporaryName("channel");
        var options = new MessageChannelOptions { Capacity = 4096, OnConflict = NameConflict.ReplaceAbandoned };
        using (var peer = Partner.Start("create", name))
        {
            Assert.Equal("open", peer.ReadLine());
            Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => MessageChannel.Create(name, options)).Errno);
            Assert.Equal("True", peer.Ask("write left-over"));
            peer.Kill();
        }

        using (var channel = MessageChannel.Open(name))
        {
            using var reader = channel.OpenReader();
            Assert.True(reader.WaitToRead(Watchdog.Limit));
            Assert.True(reader.TryRead(new byte[100], out var length, out _));
            Assert.Equal(9, length);
            Assert.Throws<PeerDiedException>(() => reader.WaitToRead(Watchdog.Limit));
            // Whoever goes on with it is a member: it is in use again.
            Assert.Equal(Errno.EEXIST, Assert.Throws<SharedMemoryException>(() => MessageChannel.Create(name, options)).Errno);
            using var again = MessageChannel.OpenOrCreate(name, out var created);
            Assert.False(created);
        }

        Assert.False(name.Exists);
        using (var peer = Partner.Start("create", name))
        {
            Assert.Equal("open", peer.ReadLine());
            peer.Kill();
        }

        // What is not what the caller expects is refused, and stays.
        Assert.Throws<InvalidDataException>(() => FanIn.Open(name));
        Assert.Throws<InvalidDataException>(() => LatestBytes.Open(name));
        Assert.Throws<InvalidDataException>(() => SharedChannel.Open<int>(name));
        Assert.Throws<InvalidDataException>(() => MessageChannel.Open(name, schemaId: 7));
        Assert.Throws<InvalidDataException>(() => MessageChannel.OpenOrCreate(name, out _, new() { SchemaId = 7 }));
        Assert.True(name.Exists);
        using var replaced = MessageChannel.Create(name, options);
        Assert.Equal(0, replaced.GetStatus().Messages);
        Assert.Equal(PeerState.None, replaced.GetStatus().Endpoints[0].State);
    }

    [Fact]
    [Rule("channel.lifetime")]
    public void The_name_and_the_memory_stay_until_the_last_end_is_closed()
    {
        using var name = new TemporaryName("channel");
        var channel = MessageChannel.Create(name);
        var writer = channel.OpenWriter();
        channel.Dispose();
        channel.Dispose();
        Assert.Throws<ObjectDisposedException>(() => channel.OpenReader());
        Assert.Throws<ObjectDisposedException>(() => channel.GetStatus());
        Assert.True(writer.TryWrite([1]));
        Assert.True(name.Exists);
        writer.Dispose();
        writer.Dispose();
        Assert.False(name.Exists);
    }

    [Fact]
    [Rule("channel.origin")]
    public void The_origin_of_a_channel_is_in_its_header()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096, Origin = 0x0123_4567_89AB_CDEF });
        Span<byte> origin = stackalloc byte[8];
        channel.Memory.Read(origin, 128);
        Assert.Equal(0x0123_4567_89AB_CDEFUL, BitConverter.ToUInt64(origin));
        using var again = MessageChannel.Open(name);
        again.OpenWriter().Dispose();
    }

    [Fact]
    [Rule("channel.bad-options")]
    public void Options_out_of_their_range_are_refused_before_anything_is_created()
    {
        using var name = new TemporaryName("channel");
        MessageChannelOptions[] bad =
        [
            new() { Capacity = 2048 }, new() { Capacity = 5000 }, new() { Capacity = 2L << 30 }, new() { RecordAlignment = 4 }, new() { RecordAlignment = 128 },
            new() { ContentType = new('x', 49) }, new() { ContentType = "a\0b" }, new() { Lifetime = (Lifetime)9 },
        ];
        foreach (var options in bad)
        {
            Assert.ThrowsAny<ArgumentException>(() => MessageChannel.Create(name, options));
            Assert.ThrowsAny<ArgumentException>(() => MessageChannel.OpenOrCreate(name, out _, options));
        }

        Assert.ThrowsAny<ArgumentException>(() => MessageChannel.Create("", null));
        Assert.ThrowsAny<ArgumentException>(() => MessageChannel.Create("a/b", null));
        Assert.False(name.Exists);
        using var ring = MessageChannel.CreateAnonymous();
        EndpointOptions[] badEnds = [new() { Label = new('x', 33) }, new() { Label = "a\0" }, new() { Restart = (PeerRestart)5 }, new() { SpinBudget = TimeSpan.FromSeconds(-1) }];
        foreach (var options in badEnds)
        {
            Assert.ThrowsAny<ArgumentException>(() => ring.OpenWriter(options));
        }
    }

    [Fact]
    [Rule("channel.refuse")]
    public void An_object_of_another_kind_is_refused_and_the_message_names_both_kinds()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096, SchemaId = 5 });
        using var bytes = channel.Memory.Map();
        (int Offset, ulong Value, int Size, string[] Names)[] changes =
        [
            (0, 0, 8, ["0000000000000000", "014e4148434d4853"]), (7, 2, 1, ["024e4148434d4853"]), (8, 3, 2, ["kind 3", "kind 1"]), (12, 4, 4, ["0x4", "0x0"]), (16, 4096, 8, ["4096", "12288"]),
            (24, 0, 8, ["epoch"]), (32, 8192, 4, ["8192", "4096"]), (36, 0, 2, ["0 seats"]), (36, 2000, 2, ["2000 seats"]), (38, 3, 2, ["3 endpoints", "2"]),
            (40, 4096, 8, ["4096"]), (40, 8200, 8, ["8200"]), (40, ulong.MaxValue - 4095, 8, ["do not fit"]), (48, 5000, 8, ["5000"]), (48, 1UL << 40, 8, ["1099511627776"]), (48, 8192, 8, ["8192"]),
            (56, 2041, 4, ["2041", "4096"]), (60, 12, 4, ["12"]), (60, 0, 4, ["aligned to 0"]), (72, 12, 4, ["12", "2040"]),
        ];
        foreach (var (offset, value, size, names) in changes)
        {
            var before = bytes.GetSpan(0, 256).ToArray();
            for (var i = 0; i < size; i++)
            {
                bytes.GetSpan()[offset + i] = (byte)(value >> (8 * i));
            }

            var refusal = Assert.Throws<InvalidDataException>(() => MessageChannel.Open(name));
            foreach (var expected in names)
            {
                Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
            }

            Assert.Contains(name, refusal.Message, StringComparison.Ordinal);
            before.CopyTo(bytes.GetSpan());
        }

        var schema = Assert.Throws<InvalidDataException>(() => MessageChannel.Open(name, 6));
        Assert.Contains("schema 5, not of schema 6", schema.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => MessageChannel.OpenOrCreate(name, out _, new() { SchemaId = 6 }));
        using var other = new TemporaryName("channel");
        using var small = SharedMemoryObject.Create(other, 100);
        Assert.Contains("100 bytes", Assert.Throws<InvalidDataException>(() => MessageChannel.Open(other)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => MessageChannel.FromObject(small));
        Assert.Equal(100, small.Length);
    }

    [Fact]
    [Rule("endpoint.busy")]
    public void An_end_that_a_living_process_has_open_is_EBUSY_with_process_and_label()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name);
        using var peer = Partner.Open(name, "writer", "feed");
        var refusal = Assert.Throws<SharedMemoryException>(() => channel.OpenWriter());
        Assert.Equal(Errno.EBUSY, refusal.Errno);
        Assert.Contains($"process {peer.ProcessId} (label 'feed')", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(name, refusal.Message, StringComparison.Ordinal);
        using var reader = channel.OpenReader(new() { Label = "mine\n" });
        var second = Assert.Throws<SharedMemoryException>(() => channel.OpenReader());
        Assert.Equal(Errno.EBUSY, second.Errno);
        Assert.Contains($"process {Environment.ProcessId} (label 'mine\\u000a')", second.Message, StringComparison.Ordinal);
        // A refusal holds nothing: the end is free as soon as its owner leaves.
        Assert.Equal("left", peer.Ask("leave"));
        channel.OpenWriter().Dispose();
    }

    [Fact]
    [Rule("channel.sealed")]
    [Rule("channel.passed")]
    public async Task A_channel_without_a_name_is_sealed_and_can_be_passed()
    {
        using var channel = MessageChannel.CreateAnonymous(new() { Capacity = 4096 });
        Assert.Null(channel.Memory.Name);
        Assert.Equal(MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Seal, channel.Memory.Seals & ~MemorySeals.Exec);
        Assert.Throws<SharedMemoryException>(() => channel.Memory.SetLength(4096));
        using var sockets = new SocketPair();
        await sockets.Sender.SendObjectAsync(channel.Memory);
        using var received = MessageChannel.FromObject(await sockets.Receiver.ReceiveObjectAsync(MemorySeals.Shrink));
        using var writer = channel.OpenWriter();
        using var reader = received.OpenReader();
        writer.TryWrite([5]);
        Assert.True(reader.TryRead(out MessageLease lease));
        Assert.Equal(5, lease.Span[0]);
        lease.Dispose();
    }

    [Fact]
    [Rule("channel.read-only")]
    public void An_object_opened_for_reading_only_has_a_status_and_no_ends()
    {
        using var name = new TemporaryName("channel");
        using var channel = MessageChannel.Create(name);
        using var writer = channel.OpenWriter(new() { Label = "feed" });
        using var observer = MessageChannel.FromObject(SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read));
        var status = observer.GetStatus();
        Assert.Equal((PeerState.Alive, "feed", (int?)Environment.ProcessId), (status.Endpoints[0].State, status.Endpoints[0].Label, status.Endpoints[0].ProcessId));
        Assert.Throws<InvalidOperationException>(() => observer.OpenReader());
        Assert.Equal(PeerState.None, observer.GetStatus().Endpoints[1].State);
    }

    [Fact]
    [Rule("endpoint.status")]
    public void A_status_names_the_processes_at_both_ends()
    {
        using var channel = MessageChannel.CreateAnonymous(new() { Capacity = 4096 });
        var fresh = channel.GetStatus();
        Assert.Equal((ChannelKind.Message, 4096L, ChannelState.Open), (fresh.Kind, fresh.Capacity, fresh.State));
        Assert.All(fresh.Endpoints, endpoint => Assert.Equal((PeerState.None, null), (endpoint.State, endpoint.OpenedAt)));
        using var reader = channel.OpenReader(new() { Label = "é" });
        var open = channel.GetStatus().Endpoints[1];
        Assert.Equal((1, EndpointRole.Reader, PeerState.Alive, "é", 0L), (open.Index, open.Role, open.State, open.Label, open.Missed));
        Assert.InRange((DateTimeOffset.UtcNow - open.OpenedAt!.Value).TotalSeconds, -5, 600);
        reader.Dispose();
        Assert.Equal(PeerState.Left, channel.GetStatus().Endpoints[1].State);
        Assert.Null(channel.GetStatus().Endpoints[1].ProcessId);
    }

    [Theory]
    [InlineData("message")]
    [InlineData("fan-in")]
    [InlineData("latest")]
    [Rule("channel.leak")]
    public void Opening_and_closing_leaves_nothing_behind(string kind)
    {
        using var name = new TemporaryName("channel");
        using var memory = SharedMemoryObject.Open(Create(kind, name));
        Open(kind, name);
        var (descriptors, threads) = (Held.Descriptors(name).Count, Directory.GetDirectories("/proc/self/task").Length);
        // SHM_OPENS=10000 by hand.
        var opens = Environment.GetEnvironmentVariable("SHM_OPENS") is { Length: > 0 } text ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : 500;
        for (var i = 0; i < opens; i++)
        {
            Open(kind, name);
        }

        Assert.Equal(descriptors, Held.Descriptors(name).Count);
        Assert.InRange(Directory.GetDirectories("/proc/self/task").Length, 0, threads + 10);
        // What the collector gives back is gone after it ran.
        Watchdog.Until(
            () =>
            {
#pragma warning disable RS0030 // Holds of locks are given back by the collector.
                GC.Collect();
#pragma warning restore RS0030
                GC.WaitForPendingFinalizers();
                return Held.Mappings(memory).Count <= 1;
            },
            "the mappings of closed channels to go");
        var states = ChannelStatus.TryRead(memory)!.Endpoints.Select(endpoint => endpoint.State).ToList();
        Assert.Contains(PeerState.Left, states);
        Assert.All(states, state => Assert.True(state is PeerState.Left or PeerState.None));
    }

    [Fact]
    [Rule("channel.leak")]
    public void The_collector_knows_how_much_memory_waits_for_it()
    {
        var most = 0;
        for (var i = 0; i < 60; i++)
        {
            using (var channel = MessageChannel.CreateAnonymous(new() { Capacity = 16 << 20 }))
            using (channel.OpenWriter())
            {
            }

            most = Math.Max(most, File.ReadLines("/proc/self/maps").Count(line => line.Contains("memfd:channel", StringComparison.Ordinal) && line.Contains("(deleted)", StringComparison.Ordinal)));
        }

        Assert.InRange(most, 1, 50);
    }

    [Fact]
    [Rule("channel.race")]
    public async Task Of_many_callers_that_open_or_create_exactly_one_creates()
    {
        for (var round = 0; round < 20; round++)
        {
            using var name = new TemporaryName("channel");
            using var start = new Barrier(4);
            var openings = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            {
                start.SignalAndWait();
                var channel = MessageChannel.OpenOrCreate(name, out var created);
                return (channel, created);
            })).ToArray();
            var opened = await Task.WhenAll(openings).WaitAsync(Watchdog.Limit);
            Assert.Single(opened, one => one.created);
            Assert.Single(opened.Select(one => one.channel.Memory.GetStatus().Identity).Distinct());
            foreach (var (channel, _) in opened)
            {
                channel.Dispose();
            }
        }
    }

    private static string Create(string kind, string name)
    {
        using IDisposable channel = kind switch
        {
            "fan-in" => FanIn.Create(name, new() { Lifetime = Lifetime.Keep }),
            "latest" => LatestBytes.Create(name, new() { Lifetime = Lifetime.Keep }),
            _ => MessageChannel.Create(name, new() { Lifetime = Lifetime.Keep }),
        };
        return name;
    }

    private static void Open(string kind, string name)
    {
        switch (kind)
        {
            case "fan-in":
                using (var fanIn = FanIn.Open(name))
                {
                    using var writer = fanIn.OpenWriter();
                    using var reader = fanIn.OpenReader();
                    writer.TryWrite([1]);
                    reader.TryRead(stackalloc byte[1], out _, out _);
                }

                break;
            case "latest":
                using (var value = LatestBytes.Open(name))
                {
                    using var writer = value.OpenWriter();
                    using var reader = value.OpenReader();
                    writer.Publish([1]);
                    reader.TryRead(stackalloc byte[1], out _, out _);
                }

                break;
            default:
                using (var channel = MessageChannel.Open(name))
                {
                    using var writer = channel.OpenWriter();
                    using var reader = channel.OpenReader();
                    writer.TryWrite([1]);
                    reader.TryRead(stackalloc byte[1], out _, out _);
                }

                break;
        }
    }
}
