using System.Text;
using System.Text.Json;

namespace Posix.SharedMemory.Channels.Tests.Broadcasts;

/// <summary>Many messages that are shown together, and messages that are built in place.</summary>
public sealed class Batching
{
    private readonly byte[] _bytes = new byte[2032];

    [Fact]
    [Rule("broadcast.batch")]
    public void A_batch_is_shown_when_it_is_disposed()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096, History = 64 });
        using var writer = broadcast.OpenWriter();
        using BroadcastReader lossless = broadcast.OpenReader(), lossy = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy });
        var number = 0L;
        for (var round = 0; round < 200; round++)
        {
            var before = number;
            using (var batch = writer.BeginBatch())
            {
                Assert.True(batch.TryWrite(BitConverter.GetBytes(number++), 5));
                Assert.True(batch.TryReserve(100, out var span));
                BitConverter.TryWriteBytes(span, number++);
                batch.Commit(8, 6);
                // Given up.
                Assert.True(batch.TryReserve(300, out _));
                Assert.True(batch.TryWrite(BitConverter.GetBytes(number++), 7));
                Assert.Throws<InvalidOperationException>(() => writer.TryWrite([1]));
                Assert.False(lossless.TryRead(_bytes, out _));
                Assert.False(lossy.TryRead(_bytes, out _));
                using var late = broadcast.OpenReader(new() { Start = BroadcastStart.Last(1) });
                Assert.Equal(before > 0, late.TryRead(_bytes, out var newest));
                Assert.Equal(Math.Max(0, before - 1), newest.Sequence);
            }

            foreach (var reader in (BroadcastReader[])[lossless, lossy])
            {
                for (var i = 0; i < 3; i++)
                {
                    Assert.True(reader.TryRead(_bytes, out var info));
                    Assert.Equal(new(before + i, 8, (ushort)(5 + i), 0), info);
                    Assert.Equal(before + i, BitConverter.ToInt64(_bytes));
                }
            }

            using var last = broadcast.OpenReader(new() { Start = BroadcastStart.Last(2) });
            Assert.True(last.TryRead(_bytes, out var second));
            Assert.Equal(number - 2, second.Sequence);
        }

        Assert.Equal(number, broadcast.GetStatus().Messages);
    }

    [Fact]
    [Rule("broadcast.batch")]
    [Rule("broadcast.full")]
    public void A_batch_is_refused_what_does_not_fit_and_dropped_with_its_writer()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096, History = 8 });
        using var reader = broadcast.OpenReader();
        using (var writer = broadcast.OpenWriter())
        {
            var batch = writer.BeginBatch();
            var written = 0;
            while (batch.TryWrite(_bytes.AsSpan(0, 100)))
            {
                written++;
            }

            Assert.InRange(written, 30, 34);
            Assert.False(batch.TryReserve(100, out _));
            Refuse<ArgumentException>(ref batch, (ref b) => b.TryWrite(new byte[2033]));
            Refuse<ArgumentOutOfRangeException>(ref batch, (ref b) => b.TryWrite([1], 0xFF00));
            Refuse<InvalidOperationException>(ref batch, (ref b) => b.Commit(1));
            Assert.Equal(4096 - (written * 120), writer.Free);
        }

        Assert.False(reader.TryRead(_bytes, out _));
        using var next = broadcast.OpenWriter();
        var other = next.BeginBatch();
        Assert.True(other.TryWrite([9]));
        var copy = other;
        other.Dispose();
        copy.Dispose();
        Refuse<InvalidOperationException>(ref copy, (ref b) => b.TryWrite([1]));
        Assert.True(reader.TryRead(_bytes, out var info));
        Assert.Equal((0L, 9), (info.Sequence, _bytes[0]));
        Refuse<InvalidOperationException>(ref copy, (ref b) => default(MessageBatch).TryWrite([1]));
    }

    [Fact]
    [Rule("broadcast.build")]
    public void A_message_is_built_in_place_by_a_serializer_also_around_the_end()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 1 << 15 });
        using var writer = broadcast.OpenWriter();
        using BroadcastReader lossless = broadcast.OpenReader(), lossy = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy });
        for (var round = 0; round < 300; round++)
        {
            using (var json = new Utf8JsonWriter(writer))
            {
                json.WriteStartArray();
                for (var i = 0; i < round % 90; i++)
                {
                    json.WriteNumberValue(1_000_000_000 + i);
                }

                json.WriteEndArray();
            }

            Assert.Throws<InvalidOperationException>(() => writer.TryWrite([1]));
            writer.EndMessage(3);
            foreach (var reader in (BroadcastReader[])[lossless, lossy])
            {
                Assert.True(reader.TryRead(_bytes, out var info));
                Assert.Equal((round, 3, 0L), ((int)info.Sequence, info.Type, info.Missed));
                Assert.Equal(round % 90, JsonDocument.Parse(Encoding.UTF8.GetString(_bytes, 0, info.Length)).RootElement.GetArrayLength());
            }
        }

        writer.Write("dropped"u8.ToArray().AsSpan(0, 0));
        writer.GetMemory(10).Span.Fill(1);
        writer.Advance(10);
        writer.CancelMessage();
        writer.CancelMessage();
        Assert.Throws<ArgumentException>(() => writer.GetSpan(16369));
        writer.CancelMessage();
        writer.EndMessage(4);
        Assert.True(lossless.TryRead(_bytes, out var empty));
        Assert.True(lossless.TryRead(_bytes, out var second));
        Assert.Equal((0, 0, 4), (empty.Length, second.Length, second.Type));
    }

    [Fact]
    [Rule("broadcast.history")]
    public void A_long_history_is_searched_from_any_place()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 1 << 16, History = 5000 });
        using var writer = broadcast.OpenWriter();
        for (var number = 0L; number < 12_000; number++)
        {
            Assert.True(writer.TryWrite(_bytes.AsSpan(0, (int)(number % 40))));
            if (number % 1000 > 2)
            {
                continue;
            }

            foreach (var wanted in (int[])[1, 2, 3, 100, 999, 1000])
            {
                foreach (var delivery in Enum.GetValues<BroadcastDelivery>())
                {
                    using var reader = broadcast.OpenReader(new() { Delivery = delivery, Start = BroadcastStart.Last(wanted) });
                    Assert.True(reader.TryRead(_bytes, out var info));
                    Assert.Equal(Math.Max(0, number + 1 - wanted), info.Sequence);
                }
            }
        }
    }

    private delegate void BatchAct(ref MessageBatch batch);

    private static void Refuse<T>(ref MessageBatch batch, BatchAct act)
        where T : Exception
    {
        try
        {
            act(ref batch);
        }
        catch (T)
        {
            return;
        }

        Assert.Fail($"No {typeof(T).Name} was thrown.");
    }
}
