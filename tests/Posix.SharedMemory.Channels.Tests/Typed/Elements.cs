using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace Posix.SharedMemory.Channels.Tests.Typed;

/// <summary>Channels of elements, wherever .NET code takes a <see cref="ChannelReader{T}"/> or <see cref="ChannelWriter{T}"/>.</summary>
public sealed class Elements
{
    [Fact]
    [Rule("typed.channel")]
    public async Task Code_for_channels_of_the_base_library_works_with_it()
    {
        using var channel = SharedChannel.CreateAnonymous<Quote>(16);
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader();
        var copying = Copy(reader, 1000);
        await Produce(writer, 1000);
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => new Quote(i, i / 2.0)), await copying.WaitAsync(Watchdog.Limit));
        await reader.Completion.WaitAsync(Watchdog.Limit);
        Assert.False(writer.TryWrite(new Quote(1, 1)));
        Assert.Equal(0, writer.TryWrite([new Quote(1, 1)]));
        Assert.False(await writer.WaitToWriteAsync());
        Assert.False(writer.TryComplete());
        await Assert.ThrowsAsync<ChannelClosedException>(() => reader.ReadAsync().AsTask());

        static async Task Produce(ChannelWriter<Quote> writer, int count)
        {
            for (var i = 0; i < count; i++)
            {
                await writer.WriteAsync(new(i, i / 2.0));
            }

            writer.Complete();
        }

        static async Task<List<Quote>> Copy(ChannelReader<Quote> reader, int count)
        {
            var all = new List<Quote>(count);
            await foreach (var quote in reader.ReadAllAsync())
            {
                all.Add(quote);
            }

            return all;
        }
    }

    [Fact]
    [Rule("typed.batch")]
    [Rule("typed.count")]
    public void Many_elements_go_in_and_out_together_and_are_counted()
    {
        using var channel = SharedChannel.CreateAnonymous<Quote>(100);
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader();
        Assert.True(reader.CanCount && reader.CanPeek);
        Span<Quote> read = stackalloc Quote[1000];
        var (written, taken) = (0, 0);
        for (var round = 0; round < 500; round++)
        {
            var items = Enumerable.Range(written, (round * 7) % 90).Select(i => new Quote(i, i)).ToArray();
            var count = writer.TryWrite(items);
            written += count;
            Assert.Equal(written - taken, reader.Count);
            Assert.Equal(reader.Count > 0, reader.TryPeek(out var next));
            var got = reader.TryRead(read[..(round % 80)]);
            for (var i = 0; i < got; i++)
            {
                Assert.Equal(new(taken + i, taken + i), read[i]);
                Assert.Equal(new(taken, taken), next);
            }

            taken += got;
            Assert.Equal(written - taken, reader.Count);
        }

        Assert.InRange(written, 5000, int.MaxValue);
        while (reader.TryRead(out _))
        {
            taken++;
        }

        Assert.Equal(written, taken);
        Assert.True(writer.TryWrite(new Quote[1000]) >= 100);
        Assert.False(writer.WaitToWrite(TimeSpan.Zero));
        Assert.True(reader.WaitToRead(TimeSpan.Zero));
    }

    [Fact]
    [Rule("typed.match")]
    public void Elements_of_another_size_or_alignment_are_refused()
    {
        using var name = new TemporaryName("channel");
        using var channel = SharedChannel.Create<Quote>(name, 16);
        using (SharedChannel.Open<Quote>(name))
        {
            // The same: fine.
        }

        using (SharedChannel.OpenOrCreate<Quote>(name, 1, out var created))
        {
            Assert.False(created);
        }

        Assert.Contains("16 bytes aligned to 8, not of 8 bytes", Assert.Throws<InvalidDataException>(() => SharedChannel.Open<long>(name)).Message, StringComparison.Ordinal);
        Assert.Contains("aligned to 8, not of 16 bytes aligned to 1", Assert.Throws<InvalidDataException>(() => SharedChannel.OpenOrCreate<Packed>(name, 1, out _)).Message, StringComparison.Ordinal);
        using var again = SharedMemoryObject.Open(name);
        Assert.Throws<InvalidDataException>(() => SharedChannel.FromObject<int>(again));
        Assert.Equal(again.GetStatus().Identity, channel.Memory.GetStatus().Identity);
        using var raw = MessageChannel.Open(name);
        using var writer = channel.OpenWriter();
        using var reader = raw.OpenReader();
        Assert.True(writer.TryWrite(new Quote(1, 2)));
        Assert.True(reader.TryRead(out MessageLease lease));
        Assert.Equal(new(1, 2), MemoryMarshal.Read<Quote>(lease.Span));
        lease.Dispose();
        using var bytes = MessageChannel.CreateAnonymous();
        Assert.Contains("MessageChannel", Assert.Throws<InvalidDataException>(() => SharedChannel.FromObject<int>(bytes.Memory)).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Rule("typed.raw")]
    public void A_program_that_does_not_know_the_type_creates_and_writes_a_channel_of_elements_and_no_message_of_another_length()
    {
        using var name = new TemporaryName("elements");
        using var raw = MessageChannel.Create(name, new() { Capacity = 4096, ElementSize = 16, ElementAlignment = 8 });
        using var channel = SharedChannel.Open<Quote>(name);
        using var reader = channel.OpenReader();
        using var writer = raw.OpenWriter();
        foreach (var length in new[] { 0, 8, 15, 17 })
        {
            Assert.Throws<ArgumentException>(() => writer.Write(new byte[length]));
            Assert.Throws<ArgumentException>(() => writer.TryWrite(new System.Buffers.ReadOnlySequence<byte>(new byte[length])));
            Assert.Throws<ArgumentException>(() =>
            {
                writer.GetSpan(8)[..Math.Min(length, 8)].Clear();
                writer.Advance(Math.Min(length, 8));
                writer.EndMessage();
            });
            writer.CancelMessage();
        }

        Assert.True(writer.TryReserve(16, out MessageReservation reservation));
        try
        {
            reservation.Commit(15);
            Assert.Fail("an element was committed that is too short");
        }
        catch (ArgumentException)
        {
            reservation.Dispose();
        }

        Assert.True(writer.WaitToWrite(0, TimeSpan.Zero));
        var element = new Quote(3, 4);
        writer.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<Quote>(in element)));
        Assert.True(reader.TryRead(out var read));
        Assert.Equal(element, read);
        Assert.False(reader.TryRead(out _));
        foreach (var (size, alignment) in new[] { (-1, 8), (16, 0), (16, 3), (0, 8), (2041, 8) })
        {
            Assert.ThrowsAny<ArgumentException>(() => MessageChannel.CreateAnonymous(new() { Capacity = 4096, ElementSize = size, ElementAlignment = alignment }));
        }
    }

    [Fact]
    [Rule("typed.match")]
    public void Impossible_capacities_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => SharedChannel.CreateAnonymous<Quote>(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => SharedChannel.CreateAnonymous<Quote>(int.MaxValue));
    }

    [Fact]
    [Rule("typed.hostile")]
    public void A_record_of_another_length_is_detected()
    {
        using var channel = SharedChannel.CreateAnonymous<Quote>(16);
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader();
        using var bytes = channel.Memory.Map();
        writer.TryWrite(new Quote(1, 2));
        bytes.GetReference<uint>(8192) = 8;
        Assert.Equal("a record's length", Assert.Throws<ChannelCorruptException>(() => reader.TryRead(out _)).Field);
        Assert.Throws<ChannelCorruptException>(() => reader.TryPeek(out _));
    }

    [Fact]
    [Rule("typed.abort")]
    public async Task An_exception_arrives_as_an_error_number()
    {
        using var channel = SharedChannel.CreateAnonymous<long>(16);
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader();
        writer.TryWrite(5);
        Assert.True(writer.TryComplete(new IOException("disk", 28)));
        Assert.Equal(5, await reader.ReadAsync());
        Assert.Equal(28, (await Assert.ThrowsAsync<ChannelException>(() => reader.WaitToReadAsync().AsTask())).Error);
        Assert.Equal(28, (await Assert.ThrowsAsync<ChannelException>(() => reader.Completion)).Error);
    }

    [Fact]
    [Rule("channel.meter")]
    public void A_meter_shows_messages_and_bytes()
    {
        using var name = new TemporaryName("channel");
        using var channel = SharedChannel.Create<long>(name, 100);
        using var writer = channel.OpenWriter();
        writer.TryWrite(1);
        writer.TryWrite(2);
        var seen = new Dictionary<string, double>(StringComparer.Ordinal);
        using var listener = new System.Diagnostics.Metrics.MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "Posix.SharedMemory.Channels")
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument.Name, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument.Name, value, tags));
        listener.Start();
        listener.RecordObservableInstruments();
        Assert.Equal(2, seen["shm.channel.messages"]);
        Assert.Equal(16, seen["shm.channel.bytes"]);
        Assert.Equal(32.0 / channel.GetStatus().Capacity, seen["shm.channel.fill"]);
        Assert.Equal(0, seen["shm.channel.missed"]);
        Assert.Equal(0, seen["shm.channel.lost_claims"]);
        Assert.Equal(0, seen["shm.channel.waits writer"]);
        Assert.Equal(0, seen["shm.channel.waits reader"]);
        Assert.Equal(1, seen["shm.channel.peers alive writer"]);
        Assert.Equal(1, seen["shm.channel.peers none reader"]);
        Assert.Equal(0, seen["shm.channel.peers died writer"]);

        void Note(string instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var isOurs = false;
            var key = instrument;
            foreach (var tag in tags)
            {
                isOurs |= tag is { Key: "name", Value: string of } && of == name.Name;
                key += tag.Key is "name" or "kind" ? "" : " " + tag.Value;
            }

            if (isOurs)
            {
                seen[key] = value;
            }
        }
    }

    private readonly record struct Quote(long Number, double Price);

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private readonly record struct Packed(long Number, double Price);
}
