using System.Text;
using Posix.SharedMemory.Bridge.Tests.Bridging;

namespace Posix.SharedMemory.Bridge.Tests.Backends;

/// <summary>What every backend must do, alone and under two bridges.</summary>
public abstract class BackendConformance
{
    /// <summary>The engine.</summary>
    private protected abstract INetwork CreateNetwork();

    /// <summary>The engine, with what it needs to keep messages.</summary>
    private protected abstract INetwork CreateKeepingNetwork();

    [SkippableFact]
    [Rule("bridge.durable-backend")]
    public async Task Durable_messages_are_kept_for_each_taker_until_it_acknowledges()
    {
        await using var network = CreateKeepingNetwork();
        await using var backend = await network.ConnectAsync();
        await using var other = await network.ConnectAsync();
        var (a, b) = ((IDurableBridgeBackend)backend, (IDurableBridgeBackend)other);
        var subject = $"shm.test.with%20more_-.{Guid.NewGuid():N}";
        Assert.Equal(0, await a.KeepAsync(subject, default));
        var first = new Recorder();
        var subscription = await b.SubscribeDurableAsync(subject, "host-b%2Elocal", 100, first, default);
        Assert.Equal(1, await a.KeepAsync(subject, default));
        for (var i = 0; i < 10; i++)
        {
            await a.PublishDurableAsync(subject, new() { Frame = $"frame {i}" }, new byte[] { (byte)i }, $"id {i}", default);
        }

        // A second one with the same words succeeds, and is not stored.
        await a.PublishDurableAsync(subject, default, new byte[] { 99 }, "id 3", default);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], first.WaitFor(10).Select(message => (int)message.Payload[0]));
        Assert.Equal("frame 7", first.Messages.ElementAt(7).Headers.Frame);
        await Assert.ThrowsAsync<IOException>(async () => await b.SubscribeDurableAsync(subject, "host-b%2Elocal", 100, new Recorder(), default));
        await subscription.AcknowledgeAsync(first.Acknowledgements.ElementAt(5)!, default);
        await subscription.DisposeAsync();

        // Nobody is there: it is kept.
        await a.PublishDurableAsync(subject, default, new byte[] { 10 }, "id 10", default);
        var second = new Recorder();
        await using var again = await b.SubscribeDurableAsync(subject, "host-b%2Elocal", 100, second, default);
        Assert.Equal([6, 7, 8, 9, 10], second.WaitFor(5).Select(message => (int)message.Payload[0]));
        Assert.Equal(10, first.Messages.Count);
        await again.AcknowledgeAsync(second.Acknowledgements.ElementAt(4)!, default);
        await again.DisposeAsync();
        var third = new Recorder();
        await using var last = await b.SubscribeDurableAsync(subject, "host-b%2Elocal", 100, third, default);
        await a.PublishDurableAsync(subject, default, new byte[] { 11 }, "id 11", default);
        Assert.Equal([11], third.WaitFor(1).Select(message => (int)message.Payload[0]));
    }

    [SkippableFact]
    [Rule("bridge.durable-backend")]
    public async Task No_more_is_under_way_than_the_taker_says_and_what_is_kept_outlives_the_connection()
    {
        await using var network = CreateKeepingNetwork();
        await using var backend = await network.ConnectAsync();
        await using var other = await network.ConnectAsync();
        var (a, b) = ((IDurableBridgeBackend)backend, (IDurableBridgeBackend)other);
        var subject = $"shm.test.with%20more_-.{Guid.NewGuid():N}";
        var recorder = new Recorder();
        var subscription = await b.SubscribeDurableAsync(subject, "host-b%2Elocal", 4, recorder, default);
        for (var i = 0; i < 10; i++)
        {
            await a.PublishDurableAsync(subject, default, new byte[] { (byte)i }, $"id {i}", default);
        }

        recorder.WaitFor(4);
        await b.FlushAsync(default);
        Assert.Equal(4, recorder.Messages.Count);
        await subscription.AcknowledgeAsync(recorder.Acknowledgements.ElementAt(1)!, default);
        Assert.Equal([0, 1, 2, 3, 4, 5], recorder.WaitFor(6).Select(message => (int)message.Payload[0]));
        await network.BreakAsync();
        Watchdog.Until(() => !a.IsConnected && !b.IsConnected, "both connections to be lost");
        using (var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(100)))
        {
            var refused = await Assert.ThrowsAnyAsync<Exception>(async () => await a.PublishDurableAsync(subject, default, new byte[1], "id 99", limit.Token));
            Assert.True(refused is IOException or OperationCanceledException, refused.ToString());
        }

        await network.RestoreAsync();
        Watchdog.Until(() => a.IsConnected && b.IsConnected, "both connections");
        await subscription.DisposeAsync();
        var second = new Recorder();
        await using var again = await b.SubscribeDurableAsync(subject, "host-b%2Elocal", 100, second, default);
        // An engine that was killed may have forgotten an acknowledgement, and never a message.
        Watchdog.Until(() => second.Messages.Any(message => message.Payload[0] == 9), "the last message");
        var came = second.Messages.Select(message => (int)message.Payload[0]).ToArray();
        Assert.InRange(came[0], 0, 2);
        Assert.Equal(Enumerable.Range(came[0], 10 - came[0]), came);
    }

    [SkippableFact]
    [Rule("bridge.durable-backend")]
    public async Task A_note_is_kept_until_it_is_removed_or_another_takes_its_place_and_messages_are_counted()
    {
        await using var network = CreateKeepingNetwork();
        await using var backend = await network.ConnectAsync();
        await using var other = await network.ConnectAsync();
        var (a, b) = ((IDurableBridgeBackend)backend, (IDurableBridgeBackend)other);
        var subject = $"shm.test.{Guid.NewGuid():N}";
        var notes = $"shm.v1.note.{Guid.NewGuid():N}";
        Assert.Empty((await ReadAsync(notes + ".>")).Messages);
        Assert.Equal((0, 0), (await a.CountKeptAsync(subject, null, default), await a.CountKeptAsync(subject, "host-b", default)));
        await a.WriteNoteAsync(notes + ".x%20.y", new byte[] { 1 }, default);
        await a.WriteNoteAsync(notes + ".z", new byte[] { 2 }, default);
        await a.WriteNoteAsync(notes + ".z", new byte[] { 3 }, default);
        await network.BreakAsync();
        await network.RestoreAsync();
        Watchdog.Until(() => a.IsConnected && b.IsConnected, "both connections");
        var read = await ReadAsync(notes + ".>");
        Assert.Equal([(notes + ".x%20.y", 1), (notes + ".z", 3)], read.Messages.Select(note => (note.Subject, (int)note.Payload[0])).Order());
        var first = read.Messages.ToList().FindIndex(note => note.Payload[0] == 3);
        var acknowledgement = read.Acknowledgements.ElementAt(first)!;
        await a.WriteNoteAsync(notes + ".z", new byte[] { 4 }, default);
        await b.RemoveNoteAsync(notes + ".z", acknowledgement, default);
        read = await ReadAsync(notes + ".z");
        Assert.Equal(4, Assert.Single(read.Messages).Payload[0]);
        await b.RemoveNoteAsync(notes + ".z", read.Acknowledgements.Single()!, default);
        await b.RemoveNoteAsync(notes + ".z", read.Acknowledgements.Single()!, default);
        Assert.Equal(1, Assert.Single((await ReadAsync(notes + ".>")).Messages).Payload[0]);

        var taken = new Recorder();
        await using var subscription = await b.SubscribeDurableAsync(subject, "host-b", 2, taken, default);
        for (var i = 0; i < 5; i++)
        {
            await a.PublishDurableAsync(subject, default, new byte[] { (byte)i }, $"id {i}", default);
        }

        taken.WaitFor(2);
        Assert.Equal((5, 5, 0), (await a.CountKeptAsync(subject, null, default), await a.CountKeptAsync(subject, "host-b", default), await a.CountKeptAsync(subject, "host-c", default)));
        await subscription.AcknowledgeAsync(taken.Acknowledgements.ElementAt(1)!, default);
        Watchdog.Until(() => a.CountKeptAsync(subject, "host-b", default).AsTask().GetAwaiter().GetResult() == 3, "three messages to be kept");

        async Task<Recorder> ReadAsync(string which)
        {
            var recorder = new Recorder();
            await b.ReadNotesAsync(which, recorder, default);
            return recorder;
        }
    }

    [SkippableFact]
    [Rule("bridge.kept")]
    public async Task A_durable_channel_that_ends_while_its_importer_is_away_arrives_when_that_is_back_and_the_exporter_gone()
    {
        await using var network = CreateKeepingNetwork();
        await using var hosts = await TwoHosts.StartAsync(network, a => a with { Delivery = BridgeDelivery.Durable });
        using (var source = hosts.CreateSource("x"))
        using (var writer = source.OpenWriter())
        {
            hosts.OpenTarget("x").Dispose();
            await Traffic.WriteNumberAsync(writer, 1, 20);
            Watchdog.Until(() => hosts.B.GetChannels().Single().Messages == 1, "the first message");
            await hosts.StopBAsync();
            for (var number = 2; number <= 50; number++)
            {
                await Traffic.WriteNumberAsync(writer, number, 20);
            }

            writer.Complete(-9);
            Watchdog.Until(() => hosts.A.GetChannels().Single().IsCompleted, "the end to be stored");
        }

        // Nobody announces the channel any more.
        await hosts.StopAAsync();
        await hosts.StartBAgainAsync();
        using (var target = hosts.OpenTarget("x"))
        using (var reader = target.OpenReader(new() { Restart = PeerRestart.Wait }))
        {
            // The first lay unread in the object that is gone: it comes again if its arrival had not been confirmed.
            var first = BitConverter.ToInt64(Traffic.ReadOne(reader).Bytes);
            Assert.InRange(first, 1, 2);
            for (var number = first + 1; number <= 50; number++)
            {
                Assert.Equal(number, BitConverter.ToInt64(Traffic.ReadOne(reader).Bytes));
            }

            Assert.Equal(-9, Assert.Throws<ChannelException>(() => reader.WaitToRead(Watchdog.Limit)).Error);
        }

        Assert.Empty(hosts.Losses);
        await using var look = await network.ConnectAsync();
        Watchdog.Until(HasNoNote, "the note to be removed");

        bool HasNoNote()
        {
            var notes = new Recorder();
            ((IDurableBridgeBackend)look).ReadNotesAsync(SubjectName.AllNotes, notes, default).AsTask().GetAwaiter().GetResult();
            return notes.Messages.IsEmpty;
        }
    }

    [SkippableFact]
    [Rule("bridge.durable")]
    public async Task Of_a_durable_channel_nothing_is_lost_while_the_engine_is_gone_and_its_writer_waits()
    {
        await using var network = CreateKeepingNetwork();
        await using var hosts = await TwoHosts.StartAsync(network, a => a with { Delivery = BridgeDelivery.Durable, ChunkBytes = 4096 });
        using var source = hosts.CreateSource("x", new() { Capacity = 1 << 16 });
        using var writer = source.OpenWriter();
        using var target = hosts.OpenTarget("x");
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        var received = new List<long>();
        var reading = Task.Run(() => Traffic.ReadNumbers(reader, received));
        var number = 0L;
        for (; number < 200; number++)
        {
            await Traffic.WriteNumberAsync(writer, number + 1, number % 20 == 0 ? 20_000 : 500);
        }

        await network.BreakAsync();
        for (; number < 10_000 && writer.WaitToWrite(500, TimeSpan.FromMilliseconds(300)); number++)
        {
            await Traffic.WriteNumberAsync(writer, number + 1, 500);
        }

        Assert.True(number < 10_000, "the writer did not wait");
        await network.RestoreAsync();
        for (var last = number + 200; number < last; number++)
        {
            await Traffic.WriteNumberAsync(writer, number + 1, 500);
        }

        writer.Complete();
        await reading;
        Assert.Equal(Enumerable.Range(1, (int)number).Select(n => (long)n), received);
        Assert.Empty(hosts.Losses);
    }

    [SkippableFact]
    [Rule("bridge.durable")]
    public async Task A_durable_channel_waits_for_a_host_that_is_away_and_for_a_reader_that_is_slow()
    {
        await using var network = CreateKeepingNetwork();
        var away = await TwoHosts.StartAsync(network, a => a with { Delivery = BridgeDelivery.Durable }, b => b with { WindowBytes = 4096 });
        await using var hosts = away;
        using var source = hosts.CreateSource("x", new() { Capacity = 1 << 14 });
        using var writer = source.OpenWriter();
        using var target = hosts.OpenTarget("x");
        await Traffic.WriteNumberAsync(writer, 1, 500);
        Watchdog.Until(() => target.GetStatus().Messages == 1, "the first message");
        await hosts.StopBAsync();
        // The ring holds 16 KiB, and the engine the rest.
        for (var number = 2; number <= 500; number++)
        {
            await Traffic.WriteNumberAsync(writer, number, 500);
        }

        await hosts.StartBAgainAsync();
        writer.Complete();
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        // The ring of the other host is as small: most wait for room in it, and are left to the engine.
        Watchdog.Until(() => target.GetStatus().Used > target.GetStatus().Capacity / 2, "the ring to be full");
        var received = new List<long>();
        await Task.Run(() => Traffic.ReadNumbers(reader, received));
        Assert.Equal(Enumerable.Range(1, 500).Select(n => (long)n), received);
        Assert.Empty(hosts.Losses);
    }

    [SkippableFact]
    [Rule("bridge.backend")]
    public async Task Messages_arrive_whole_in_order_with_their_headers_and_not_at_the_publisher()
    {
        await using var network = CreateNetwork();
        await using var a = await network.ConnectAsync();
        await using var b = await network.ConnectAsync();
        var (here, there, other) = (new Recorder(), new Recorder(), new Recorder());
        var subject = $"shm.test.{Guid.NewGuid():N}";
        await using var first = await a.SubscribeAsync(subject + ".>", here, default);
        await using var second = await b.SubscribeAsync(subject + ".>", there, default);
        await using var third = await b.SubscribeAsync(subject + ".*.end", other, default);
        await a.FlushAsync(default);
        await b.FlushAsync(default);
        for (var i = 0; i < 100; i++)
        {
            await a.PublishAsync($"{subject}.x{i % 3}", new() { Frame = $"frame {i}", IsBatch = i % 2 == 0, Lost = i == 7 ? "1 2" : null, End = i == 99 ? "-5" : null }, Encoding.UTF8.GetBytes($"payload {i}"), default);
        }

        await a.PublishAsync(subject + ".x.end", default, default, default);
        var messages = there.WaitFor(101);
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal($"{subject}.x{i % 3}", messages[i].Subject);
            Assert.Equal($"payload {i}", Encoding.UTF8.GetString(messages[i].Payload));
            Assert.Equal(new() { Frame = $"frame {i}", IsBatch = i % 2 == 0, Lost = i == 7 ? "1 2" : null, End = i == 99 ? "-5" : null }, messages[i].Headers);
        }

        Assert.Equal(default, messages[100].Headers);
        Assert.Empty(messages[100].Payload);
        Assert.Single(other.WaitFor(1));
        Assert.Empty(here.Messages);
        Assert.False(there.CameTwoAtOnce);
    }

    [SkippableFact]
    [Rule("bridge.backend")]
    public async Task The_longest_message_passes_and_a_longer_one_is_an_exception()
    {
        await using var network = CreateNetwork();
        await using var a = await network.ConnectAsync();
        await using var b = await network.ConnectAsync();
        var recorder = new Recorder();
        var subject = $"shm.test.{Guid.NewGuid():N}";
        await using var subscription = await b.SubscribeAsync(subject, recorder, default);
        await b.FlushAsync(default);
        var most = new byte[a.MaxPayload - 1024];
        Random.Shared.NextBytes(most);
        await a.PublishAsync(subject, new() { Frame = new('x', 200) }, most, default);
        Assert.Equal(most, recorder.WaitFor(1)[0].Payload);
        await Assert.ThrowsAsync<IOException>(async () => await a.PublishAsync(subject, default, new byte[a.MaxPayload + 1], default));
        await a.PublishAsync(subject, default, new byte[1], default);
        Assert.Equal(2, recorder.WaitFor(2).Length);
    }

    [SkippableFact]
    [Rule("bridge.backend")]
    public async Task A_subscription_that_was_ended_receives_nothing()
    {
        await using var network = CreateNetwork();
        await using var a = await network.ConnectAsync();
        await using var b = await network.ConnectAsync();
        var (ended, kept) = (new Recorder(), new Recorder());
        var subject = $"shm.test.{Guid.NewGuid():N}";
        var subscription = await b.SubscribeAsync(subject, ended, default);
        await using var other = await b.SubscribeAsync(subject, kept, default);
        await b.FlushAsync(default);
        await a.PublishAsync(subject, default, new byte[1], default);
        ended.WaitFor(1);
        await subscription.DisposeAsync();
        await b.FlushAsync(default);
        await a.PublishAsync(subject, default, new byte[2], default);
        kept.WaitFor(2);
        Assert.Single(ended.Messages);
    }

    [SkippableFact]
    [Rule("bridge.backend")]
    public async Task After_a_lost_connection_subscriptions_are_in_force_again()
    {
        await using var network = CreateNetwork();
        await using var a = await network.ConnectAsync();
        await using var b = await network.ConnectAsync();
        var recorder = new Recorder();
        var subject = $"shm.test.{Guid.NewGuid():N}";
        await using var subscription = await b.SubscribeAsync(subject, recorder, default);
        await b.FlushAsync(default);
        using var back = new CountdownEvent(2);
        a.Reconnected += (_, _) => Signal(back);
        b.Reconnected += (_, _) => Signal(back);
        await network.BreakAsync();
        Watchdog.Until(() => !a.IsConnected && !b.IsConnected, "both connections to be lost");
        using (var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(100)))
        {
            var refused = await Assert.ThrowsAnyAsync<Exception>(async () => await a.PublishAsync(subject, default, new byte[1], limit.Token));
            Assert.True(refused is IOException or OperationCanceledException, refused.ToString());
        }

        await network.RestoreAsync();
        Assert.True(back.Wait(Watchdog.Limit));
        // An engine may tell of the connection before its state says so.
        Watchdog.Until(() => a.IsConnected && b.IsConnected, "both connections");
        await a.PublishAsync(subject, default, new byte[7], default);
        Watchdog.Until(() => recorder.Messages.Any(message => message.Payload.Length == 7), "the message after the reconnection");
    }

    [SkippableFact]
    [Rule("bridge.carry")]
    public async Task A_channel_on_one_host_appears_on_the_other_with_all_its_messages()
    {
        await using var network = CreateNetwork();
        await using var hosts = await TwoHosts.StartAsync(network);
        using var source = hosts.CreateSource("camera.front", new() { Capacity = 1 << 20, SchemaId = 7, ContentType = "test", RecordAlignment = 64 });
        using var writer = source.OpenWriter();
        using var target = hosts.OpenTarget("camera.front");
        Assert.Equal(7UL, target.GetStatus().SchemaId);
        Assert.Equal("test", target.GetStatus().ContentType);
        Assert.Equal(1 << 20, target.GetStatus().Capacity);
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        var random = new Random(1);
        var sent = Enumerable.Range(0, 300).Select(i => Traffic.Message(random, i % 50 == 49 ? 300_000 : random.Next(2000))).ToArray();
        var receive = Task.Run(() => sent.Select(_ => Traffic.ReadOne(reader)).ToArray());
        foreach (var (message, i) in sent.Select((message, i) => (message, i)))
        {
            await writer.WriteAsync(message, (ushort)i);
        }

        writer.Complete(-3);
        var received = await receive;
        for (var i = 0; i < sent.Length; i++)
        {
            Assert.Equal(i, received[i].Type);
            Assert.True(sent[i].AsSpan().SequenceEqual(received[i].Bytes), $"message {i} of {sent[i].Length} bytes differs");
        }

        Assert.Equal(-3, Assert.Throws<ChannelException>(() => reader.WaitToRead(Watchdog.Limit)).Error);
        Assert.Empty(hosts.Losses);
        Assert.Empty(hosts.Refusals);
        Assert.Equal((300, 300), (hosts.A.GetChannels().Single().Messages, hosts.B.GetChannels().Single().Messages));
    }

    [SkippableFact]
    [Rule("bridge.reconnect")]
    public async Task While_the_engine_is_gone_messages_wait_in_the_ring_and_each_loss_is_reported()
    {
        await using var network = CreateNetwork();
        // Each message alone: what is under way at the cut is one message, and the ring has to bear the rest.
        await using var hosts = await TwoHosts.StartAsync(network, a => a with { BatchDelay = TimeSpan.Zero });
        using var source = hosts.CreateSource("x", new() { Capacity = 1 << 16 });
        using var writer = source.OpenWriter();
        using var target = hosts.OpenTarget("x");
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        using var stop = new CancellationTokenSource();
        var received = new List<long>();
        var reading = Task.Run(() => Traffic.ReadNumbers(reader, received));
        long number = 0;
        for (; number < 200; number++)
        {
            await Traffic.WriteNumberAsync(writer, number + 1, 500);
        }

        await network.BreakAsync();
        for (; number < 1000; number++)
        {
            // More than the ring holds: the writer is not stopped for long.
            await Traffic.WriteNumberAsync(writer, number + 1, 500);
        }

        await network.RestoreAsync();
        for (; number < 1200; number++)
        {
            await Traffic.WriteNumberAsync(writer, number + 1, 500);
        }

        writer.Complete();
        await reading;
        hosts.RequireAllAccountedFor(received, 1200);
        Assert.Contains(hosts.Losses, loss => loss.Where == LossPlace.LocalRing);
    }

    private static void Signal(CountdownEvent back)
    {
        if (back.CurrentCount > 0)
        {
            back.Signal();
        }
    }
}
