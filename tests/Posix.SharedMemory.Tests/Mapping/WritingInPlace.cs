using System.Buffers;
using System.Text.Json;

namespace Posix.SharedMemory.Tests.Mapping;

public sealed class WritingInPlace : IDisposable
{
    private readonly SharedMemoryObject _memory = SharedMemoryObject.CreateUnpublished(8192);
    private readonly MemoryMapping _mapping;

    public WritingInPlace() => _mapping = _memory.Map();

    public void Dispose()
    {
        _mapping.Dispose();
        _memory.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(6000)]
    [Rule("writer.json")]
    public void Json_is_written_in_place(int text)
    {
        var value = new Dictionary<string, object> { ["name"] = new string('x', text), ["numbers"] = Enumerable.Range(0, 100) };
        using var writer = _mapping.OpenWriter(8);
        using (var json = new Utf8JsonWriter(writer))
        {
            JsonSerializer.Serialize(json, value);
        }

        var expected = JsonSerializer.SerializeToUtf8Bytes(value);
        Assert.Equal(expected.Length, writer.WrittenCount);
        Assert.Equal(expected, _mapping.GetReadOnlySpan(8, expected.Length).ToArray());
        Assert.Equal(8184 - expected.Length, writer.FreeCapacity);
    }

    [Fact]
    [Rule("writer.json")]
    [Rule("writer.end")]
    public void Json_fits_when_the_range_is_exactly_as_long_and_fails_in_one_that_is_a_byte_shorter()
    {
        // The writer of the base library asks for 256 bytes at first, and 4096 later.
        foreach (var value in (string[])["", "a", new string('b', 250), new string('c', 5000)])
        {
            var expected = JsonSerializer.SerializeToUtf8Bytes(value);
            _mapping.GetSpan().Fill(0xEE);
            using (var exact = _mapping.OpenWriter(8192 - expected.Length))
            {
                using var json = new Utf8JsonWriter(exact);
                json.WriteStringValue(value);
                json.Flush();
                Assert.Equal((expected.Length, 0), (exact.WrittenCount, exact.FreeCapacity));
                Assert.Equal(expected, _mapping.GetReadOnlySpan()[^expected.Length..].ToArray());
            }

            using var small = _memory.Map(0, expected.Length - 1);
            using var tooSmall = small.OpenWriter();
            Assert.Throws<InvalidOperationException>(() =>
            {
                var json = new Utf8JsonWriter(tooSmall);
                json.WriteStringValue(value);
                json.Flush();
            });
            Assert.Equal(0, tooSmall.WrittenCount);
        }
    }

    [Fact]
    [Rule("writer.end")]
    public void Requests_past_the_end_get_a_temporary_buffer_and_bytes_that_do_not_fit_are_refused()
    {
        _mapping.GetSpan().Fill(0xEE);
        using var part = _memory.Map(0, 100);
        using var writer = part.OpenWriter(10);
        Assert.Equal((90, 90, 90), (writer.GetSpan().Length, writer.GetMemory(90).Length, writer.GetSpan(1).Length));
        writer.GetSpan()[0] = 1;
        writer.Advance(1);

        // Too much is asked, and what is used of it fits.
        var large = writer.GetSpan(200);
        Assert.InRange(large.Length, 200, int.MaxValue);
        large[..3].Fill(2);
        writer.Advance(3);
        Assert.Equal([0xEE, 1, 2, 2, 2, 0xEE], part.GetReadOnlySpan(9, 6).ToArray());
        Assert.InRange(writer.GetMemory(1000).Length, 1000, int.MaxValue);

        // None of it is written, not even what would fit.
        Assert.Throws<InvalidOperationException>(() => writer.Advance(87));
        Assert.Throws<InvalidOperationException>(() => writer.Advance(int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Advance(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.GetSpan(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.GetMemory(-1));
        Assert.Equal((4, 86), (writer.WrittenCount, writer.FreeCapacity));
        Assert.False(part.GetReadOnlySpan(14, 86).ContainsAnyExcept((byte)0xEE));

        writer.GetMemory().Span.Fill(3);
        writer.Advance(86);
        writer.Advance(0);
        Assert.Equal((90, 0), (writer.WrittenCount, writer.FreeCapacity));
        Assert.Throws<InvalidOperationException>(() => writer.GetSpan());
        Assert.Throws<InvalidOperationException>(() => writer.GetMemory(1));
        Assert.Throws<InvalidOperationException>(() => writer.Advance(1));
        Assert.Throws<InvalidOperationException>(() => writer.Write<byte>([4]));
        Assert.False(_mapping.GetReadOnlySpan(100, 100).ContainsAnyExcept((byte)0xEE));
    }

    [Fact]
    [Rule("writer.end")]
    public void Pieces_of_any_size_are_written_one_after_the_other()
    {
        var random = new Random(7);
        var expected = new List<byte>();
        using var writer = _mapping.OpenWriter();
        while (writer.FreeCapacity > 0)
        {
            var piece = new byte[Math.Min(random.Next(0, 300), (int)writer.FreeCapacity)];
            random.NextBytes(piece);
            expected.AddRange(piece);
            var hint = random.Next(piece.Length, 4 * piece.Length);
            if (random.Next(2) == 0)
            {
                piece.CopyTo(writer.GetSpan(hint));
            }
            else
            {
                piece.CopyTo(writer.GetMemory(hint));
            }

            writer.Advance(piece.Length);
            Assert.Equal(expected.Count, writer.WrittenCount);
        }

        Assert.Equal(expected, _mapping.GetReadOnlySpan().ToArray());
    }

    [Fact]
    [Rule("writer.holds")]
    public void A_writer_keeps_the_bytes_mapped_until_it_is_disposed()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 4096);
        var mapping = memory.Map();
        var writer = mapping.OpenWriter(4000);
        mapping.Dispose();
        writer.GetMemory().Span[0] = 5;
        writer.Advance(1);
        Assert.Single(Held.Mappings(memory));
        var borrowed = writer.GetMemory();
        writer.Dispose();
        writer.Dispose();
        Assert.Empty(Held.Mappings(memory));
        Assert.Throws<ObjectDisposedException>(() => borrowed.Span[0] = 1);
        Assert.Throws<ObjectDisposedException>(() => writer.GetSpan());
        Assert.Throws<ObjectDisposedException>(() => writer.GetMemory());
        Assert.Throws<ObjectDisposedException>(() => writer.Advance(0));
        Assert.Equal(1, writer.WrittenCount);
        var stored = new byte[1];
        memory.Read(stored, 4000);
        Assert.Equal(5, stored[0]);
    }

    [Fact]
    [Rule("writer.holds")]
    public void A_writer_needs_a_writable_mapping_and_a_place_inside_it()
    {
        using var reader = _memory.Map(new() { Access = FileAccess.Read });
        Assert.Throws<InvalidOperationException>(() => reader.OpenWriter());
        Assert.Throws<ArgumentOutOfRangeException>(() => _mapping.OpenWriter(8193));
        Assert.Throws<ArgumentOutOfRangeException>(() => _mapping.OpenWriter(-1));
        using var full = _mapping.OpenWriter(8192);
        Assert.Equal(0, full.FreeCapacity);
        Assert.Throws<InvalidOperationException>(() => full.GetSpan());
    }

    [Fact]
    [Rule("writer.holds")]
    [Rule("lease.free")]
    public void Writing_in_place_allocates_nothing()
    {
        using var large = SharedMemoryObject.CreateUnpublished(1 << 20);
        using var mapping = large.Map();
        using var writer = mapping.OpenWriter();
        Assert.Equal(0, Allocation.OfRounds(10_000, () =>
        {
            writer.GetMemory(8).Span[0] = 1;
            writer.Advance(8);
            writer.GetSpan(8)[0] = 1;
            writer.Advance(8);
        }));
    }
}
