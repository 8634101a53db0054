using System.Text.Json;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary><c>shm topic</c> and <c>doctor</c> on each kind of channel.</summary>
public sealed class ChannelsOfEveryKind : IDisposable
{
    private readonly Objects _objects = new();

    [Theory]
    [InlineData("message", "one two three")]
    [InlineData("fan-in", "one two three")]
    [InlineData("latest", "three")]
    [InlineData("broadcast", "one two three")]
    public void Messages_to_every_kind_are_listed_tapped_measured_and_received(string kind, string expected)
    {
        var name = _objects.Prefix + "jobs";
        Assert.Equal("", Shm.Print("topic", "send", name, "--create", "--kind", kind, "--capacity", "4K", "one", "two", "three"));
        var listed = Assert.Single(Objects.Json(Shm.Print("topic", "ls", name, "--json")).EnumerateArray());
        Assert.Equal((kind, "open", 4096), (listed.GetProperty("kind").GetString(), listed.GetProperty("state").GetString(), listed.GetProperty("capacity").GetInt64()));
        // The places that nobody has opened yet are left out.
        Assert.All(
            (JsonElement[])[listed, Objects.Json(Shm.Print("ls", name, "--json"))[0], Objects.Json(Shm.Print("stat", name, "--json")).GetProperty("channel")],
            facts => Assert.Equal(("left", "shm topic send"), facts.GetProperty("endpoints").EnumerateArray().Select(end => (end.GetProperty("state").GetString(), end.GetProperty("label").GetString())).Single()));
        Assert.Contains($"\nChannel:   {kind}; open; ", Shm.Print("stat", name), StringComparison.Ordinal);
        Assert.Equal(expected, string.Join(' ', Texts(Shm.Print("topic", "tap", name, "--json", "--once"))));
        Assert.Equal(0, Objects.Json(Shm.Print("topic", "hz", name, "--json", "--count", "1", "--interval", "0.01")).GetProperty("messages").GetInt64());
        var count = expected.Split(' ').Length;
        Assert.Equal(expected, string.Join(' ', Texts(Shm.Print("topic", "recv", name, "--json", "--count", $"{count}"))));
        // What was taken is gone; a value is not taken, nor is a message that others may read too.
        Assert.Equal(kind is "latest" or "broadcast" ? expected : "", string.Join(' ', Texts(Shm.Print("topic", "tap", name, "--json", "--once"))));
    }

    [Theory]
    [InlineData("message")]
    [InlineData("fan-in")]
    [InlineData("latest")]
    [InlineData("broadcast")]
    public void A_receiver_that_creates_the_channel_gets_what_is_sent_later(string kind)
    {
        var name = _objects.Prefix + "jobs";
        using var receiving = Shm.Start("topic", "recv", name, "--create", "--kind", kind, "--reconnect", "--count", "2");
        Watchdog.Until(() => SharedMemoryObject.Exists(name), "the channel to be created");
        // The kind of one that exists need not be given.
        Shm.Print("topic", "send", name, "first");
        Assert.Equal("first", receiving.ReadLine());
        Shm.Print("topic", "send", name, "--create", "second");
        Assert.Equal((0, "second\n", ""), receiving.Finish());
    }

    [Fact]
    public void A_tap_of_a_fan_in_shows_the_messages_of_all_writers_and_changes_no_byte()
    {
        var name = _objects.Prefix + "log";
        using var log = FanIn.Create(name, new() { Capacity = 4096, MaxWriters = 2 });
        using FanInWriter first = log.OpenWriter(new() { Label = "first" }), second = log.OpenWriter(new() { Label = "second" });
        using var reader = log.OpenReader();
        first.Write("a"u8, type: 1);
        second.Write("b"u8, type: 2);
        first.Write("c"u8, type: 1);
        var before = Objects.Read(name);
        Assert.Equal(["a", "b", "c"], Texts(Shm.Print("topic", "tap", name, "--json", "--once")));
        Assert.Equal(["b"], Texts(Shm.Print("topic", "tap", name, "--json", "--once", "--type", "2")));
        Assert.Equal(before, Objects.Read(name));
        Assert.True(reader.TryRead(new byte[1], out var length, out var type));
        Assert.Equal((1, 1), (length, type));
        Assert.Equal(["b", "c"], Texts(Shm.Print("topic", "tap", name, "--json", "--once")));
        Assert.Matches("fan-in +open +W2 R1 ", Shm.Print("topic", "ls", name));
    }

    [Fact]
    public void A_tap_of_a_fan_in_follows_it()
    {
        var name = _objects.Prefix + "log";
        using var log = FanIn.Create(name, new() { Capacity = 4096 });
        using var writer = log.OpenWriter();
        writer.Write("before"u8);
        using var tap = Shm.Start("topic", "tap", name, "--json", "--count", "2");
        Assert.Equal("before", Objects.Json(tap.ReadLine()).GetProperty("text").GetString());
        writer.Write("after"u8);
        Assert.Equal(["after"], Texts(tap.Finish().Output));
    }

    [Fact]
    public void A_writer_that_has_claimed_room_and_does_not_commit_is_named()
    {
        var name = _objects.Prefix + "log";
        using var log = FanIn.Create(name, new() { Capacity = 4096 });
        using var writer = log.OpenWriter(new() { Label = "slow\u001b" });
        Assert.Equal(JsonValueKind.Null, BlockedBy(name).ValueKind);
        Assert.True(writer.TryReserve(10, out var reservation));
        using (reservation)
        {
            Assert.Equal(("slow\u001b", Environment.ProcessId), (BlockedBy(name).GetProperty("label").GetString(), BlockedBy(name).GetProperty("pid").GetInt32()));
            Assert.Contains($"\nBlocked:   by writer 0 (slow\\x1B, process {Environment.ProcessId}), which has claimed room and not committed\n", Shm.Print("stat", name), StringComparison.Ordinal);
            // One look can meet a writer that is just at work; two that see no progress show one that holds the others up.
            var before = TopSnapshot.Take();
            Assert.False(Row(before).IsBlocked);
            Assert.True(Row(TopSnapshot.Take(before)).IsBlocked);
            reservation.Commit(10);
            Assert.False(Row(TopSnapshot.Take(before)).IsBlocked);
        }

        Assert.Equal(JsonValueKind.Null, BlockedBy(name).ValueKind);

        TopRow Row(TopSnapshot snapshot) => snapshot.Rows.Single(row => row.Name == name);
    }

    [Fact]
    public void A_reader_that_the_writer_of_a_broadcast_waits_for_is_named()
    {
        var name = _objects.Prefix + "news";
        using var news = Broadcast.Create(name, new() { Capacity = 4096 });
        using var writer = news.OpenWriter();
        using var reader = news.OpenReader(new() { Label = "slow" });
        while (writer.TryWrite(new byte[1000]))
        {
        }

        Assert.Equal(JsonValueKind.Null, BlockedBy(name).ValueKind);
        Assert.False(writer.WaitToWrite(1000, TimeSpan.Zero));
        Assert.Equal("slow", BlockedBy(name).GetProperty("label").GetString());
        Assert.Contains($"\nBlocked:   by reader 1 (slow, process {Environment.ProcessId}), which the writer has waited for since it last read\n", Shm.Print("stat", name), StringComparison.Ordinal);
        Assert.True(reader.TryRead(new byte[1000], out _));
        Assert.Equal(JsonValueKind.Null, BlockedBy(name).ValueKind);
    }

    [Fact]
    public void A_kind_refuses_what_it_cannot_do_before_anything_is_sent()
    {
        string log = _objects.Prefix + "log", pose = _objects.Prefix + "pose", typed = _objects.Prefix + "typed";
        Shm.Print("topic", "send", log, "--create", "--kind", "fan-in", "one");
        Shm.Print("topic", "send", pose, "--create", "--kind", "latest", "--capacity", "10", "one");
        Assert.Equal($"shm: topic send: {log}: a fan-in cannot be completed: other writers may come; leave out --complete", Shm.Fail("topic", "send", log, "two", "--complete"));
        Assert.Equal($"shm: topic send: {pose}: a latest value has no type; leave out --type", Shm.Fail("topic", "send", pose, "two", "--type", "3"));
        Assert.Equal($"shm: topic send: {pose}: a message has 11 bytes, and the longest that this channel carries has 10", Shm.Fail("topic", "send", pose, "hello world"));
        Assert.Equal($"shm: topic recv: {log}: the channel is of kind fan-in, not latest", Shm.Fail("topic", "recv", log, "--kind", "latest"));
        Assert.Equal($"shm: topic send: {pose}: the channel is of kind latest, not message", Shm.Fail("topic", "send", pose, "--create", "--kind", "message", "two"));
        Assert.Contains("'x' is not a valid KIND; choose from message, fan-in, latest, broadcast", Shm.Refuse("topic", "send", log, "--kind", "x"), StringComparison.Ordinal);
        Assert.Equal(["one"], Texts(Shm.Print("topic", "tap", log, "--json", "--once")));
        Assert.Equal(["one"], Texts(Shm.Print("topic", "tap", pose, "--json", "--once")));
        using (var value = LatestValue<long>.Create(typed))
        {
            using var writer = value.OpenWriter();
            writer.Publish(-7);
            foreach (var verb in (string[])["send", "recv"])
            {
                Assert.Equal($"shm: topic {verb}: {typed}: the channel carries a value of 8 bytes of a program's type, which only LatestValue reads and writes; shm topic tap prints it", Shm.Fail("topic", verb, typed));
            }

            Assert.EndsWith("  -7\n", Shm.Print("topic", "tap", typed, "--once", "--struct", "i64"), StringComparison.Ordinal);
        }

        // A completed value stays readable, and takes no other.
        Shm.Print("topic", "send", pose, "last", "--complete");
        Assert.Equal("last\n", Shm.Print("topic", "recv", pose));
        Assert.Contains("completed", Shm.Fail("topic", "send", pose, "x"), StringComparison.Ordinal);
    }

    [Fact]
    public void Doctor_names_the_ends_of_processes_that_died()
    {
        var name = _objects.Prefix + "log";
        using var log = FanIn.Create(name, new() { Capacity = 4096 });
        using (var peer = Shm.Start("topic", "recv", name))
        {
            Watchdog.Until(() => log.GetStatus().Endpoints[^1] is { State: PeerState.Alive, Label: "shm topic recv" }, "the reader to be open");
            Assert.DoesNotContain(DeadEnd.Find(out _), end => end.Name == name);
            peer.Kill();
        }

        Watchdog.Until(() => log.GetStatus().Endpoints[^1].State == PeerState.Died, "the death to be known");
        Assert.Equal(new DeadEnd(name, "reader", "shm topic recv"), Assert.Single(DeadEnd.Find(out _), end => end.Name == name));
        // The real machine may have ends of other tests too, and warnings: its /dev/shm may be nearly full.
        var finding = Assert.Single(Objects.Json(Shm.Run("doctor", "--json").Output).EnumerateArray(), finding => finding.GetProperty("check").GetString() == "dead-ends");
        Assert.Equal("note", finding.GetProperty("level").GetString());
        Assert.Contains("died: ", finding.GetProperty("what").GetString(), StringComparison.Ordinal);
        using var root = new FakeRoot();
        var many = root.MakeWithDead([new("a", "writer", ""), new("b", "reader", "feed"), new("c", "reader", ""), new("d", "reader", "")]);
        Assert.Equal("4 ends of channels belong to processes that died: a (the writer), b (the reader feed), c (the reader), …", Examination.Of(many).Single(finding => finding.Check == "dead-ends").What);
        var one = root.MakeWithDead([new DeadEnd("a", "writer", "")]);
        Assert.Equal("1 end of channels belongs to a process that died: a (the writer).", Examination.Of(one).Single(finding => finding.Check == "dead-ends").What);
    }

    public void Dispose() => _objects.Dispose();

    private static JsonElement BlockedBy(string name) => Objects.Json(Shm.Print("topic", "ls", name, "--json"))[0].GetProperty("blocked_by");

    private static string[] Texts(string lines) =>
        [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Objects.Json(line).GetProperty("text").GetString()!)];
}
