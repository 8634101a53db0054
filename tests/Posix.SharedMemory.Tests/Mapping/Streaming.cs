using System.Runtime.CompilerServices;

#pragma warning disable CA2012, CA2022, MA0060 // Each member and each overload is tested, results that complete at once too.

namespace Posix.SharedMemory.Tests.Mapping;

/// <summary>What .NET expects of every stream, and what a stream over mapped bytes adds.</summary>
public sealed class Streaming : IDisposable
{
    private readonly SharedMemoryObject _memory = SharedMemoryObject.CreateUnpublished(4096);
    private readonly MemoryMapping _mapping;

    public Streaming()
    {
        _mapping = _memory.Map();
        _memory.Write(Pattern.Of(4096), 0);
    }

    /// <summary>The ways to read and write.</summary>
    public enum Way
    {
        Byte,
        Span,
        Array,
        ArrayAsync,
        MemoryAsync,
        BeginAndEnd,
    }

    public static TheoryData<Way> Ways => [.. Enum.GetValues<Way>()];

    public void Dispose()
    {
        _mapping.Dispose();
        _memory.Dispose();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Rule("stream.reads")]
    public async Task Reads_the_range_from_its_first_byte_to_its_last(Way way)
    {
        using var stream = _mapping.OpenStream(100, 1000, FileAccess.Read);
        Assert.Equal((1000L, 0L, true, false, true, false), (stream.Length, stream.Position, stream.CanRead, stream.CanWrite, stream.CanSeek, stream.CanTimeout));
        var buffer = new byte[300];
        var read = new List<byte>();
        while (true)
        {
            Array.Fill(buffer, (byte)0xEE);
            var count = await Read(stream, way, buffer, 3, 200);
            Assert.Equal(read.Count + count, stream.Position);
            Assert.False(buffer.AsSpan(0, 3).ContainsAnyExcept((byte)0xEE) || buffer.AsSpan(3 + count).ContainsAnyExcept((byte)0xEE), "A byte outside was touched.");
            if (count == 0)
            {
                break;
            }

            Assert.Equal(way == Way.Byte ? 1 : 200, count);
            read.AddRange(buffer.AsSpan(3, count));
        }

        Assert.Equal(Pattern.Of(4096)[100..1100], read);
        Assert.Equal(0, await Read(stream, way, buffer, 0, 0));
        Assert.Equal(-1, stream.ReadByte());
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Rule("stream.writes")]
    public async Task Writes_into_the_mapped_bytes_and_not_past_the_end(Way way)
    {
        using var stream = _mapping.OpenStream(50, 10);
        await Write(stream, way, [0, 1, 2, 3, 4, 5, 9], 1, 5);
        Assert.Equal(5, stream.Position);
        Assert.Equal([1, 2, 3, 4, 5], _mapping.GetReadOnlySpan(50, 5).ToArray());
        await Write(stream, way, [6, 7, 8, 9, 10], 0, 5);
        var before = _mapping.GetReadOnlySpan().ToArray();

        // None of it is stored, not even what would fit.
        await Assert.ThrowsAsync<NotSupportedException>(() => Write(stream, way, [99], 0, 1));
        stream.Position = 8;
        if (way != Way.Byte)
        {
            await Assert.ThrowsAsync<NotSupportedException>(() => Write(stream, way, [99, 99, 99], 0, 3));
        }

        stream.Position = 20;
        await Assert.ThrowsAsync<NotSupportedException>(() => Write(stream, way, [99], 0, 1));
        await Write(stream, way, [], 0, 0);
        Assert.Equal((20, 10), (stream.Position, stream.Length));
        Assert.Equal(before, _mapping.GetReadOnlySpan().ToArray());
        Assert.Equal([5, 6, 7, 8, 9, 10], before[54..60]);
    }

    [Fact]
    [Rule("stream.reads")]
    public void Seeks_from_each_origin_also_past_the_end()
    {
        using var stream = _mapping.OpenStream(0, 100);
        Assert.Equal(10, stream.Seek(10, SeekOrigin.Begin));
        Assert.Equal(7, stream.Seek(-3, SeekOrigin.Current));
        Assert.Equal(99, stream.Seek(-1, SeekOrigin.End));
        Assert.Equal(Pattern.Of(4096)[99], stream.ReadByte());
        Assert.Equal(200, stream.Seek(100, SeekOrigin.End));
        Assert.Equal((-1, 0, 200L), (stream.ReadByte(), stream.Read(new byte[9], 0, 9), stream.Position));
        Assert.Equal(long.MaxValue, stream.Seek(long.MaxValue, SeekOrigin.Begin));
        Assert.Equal(-1, stream.ReadByte());
        foreach (var (offset, origin) in ((long, SeekOrigin)[])[(-1, SeekOrigin.Begin), (-101, SeekOrigin.End), (long.MinValue, SeekOrigin.Begin), (long.MinValue, SeekOrigin.End)])
        {
            Assert.Throws<IOException>(() => stream.Seek(offset, origin));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => stream.Seek(1, SeekOrigin.Current));
        Assert.Throws<ArgumentOutOfRangeException>(() => stream.Position = -1);
        Assert.Throws<ArgumentException>(() => stream.Seek(0, (SeekOrigin)3));
        Assert.Throws<ArgumentException>(() => stream.Seek(0, (SeekOrigin)(-1)));
        Assert.Equal(long.MaxValue, stream.Position);
        Assert.Throws<NotSupportedException>(() => stream.SetLength(0));
        Assert.Throws<NotSupportedException>(() => stream.SetLength(101));
        Assert.Throws<InvalidOperationException>(() => stream.ReadTimeout);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(100)]
    [InlineData(200)]
    [Rule("stream.reads")]
    public async Task Copies_the_remaining_bytes_to_another_stream(long position)
    {
        using var stream = _mapping.OpenStream(0, 100, FileAccess.Read);
        var rest = Pattern.Of(4096)[(int)Math.Min(position, 100)..100];
        using var first = new MemoryStream();
        stream.Position = position;
        stream.CopyTo(first);
        using var second = new MemoryStream();
        stream.Position = position;
        await stream.CopyToAsync(second);
        Assert.Equal(rest, first.ToArray());
        Assert.Equal(rest, second.ToArray());
        Assert.Equal(Math.Max(position, 100), stream.Position);

        using var reader = new MemoryStream(new byte[1], writable: false);
        Assert.Throws<NotSupportedException>(() => stream.CopyTo(reader));
        Assert.Throws<NotSupportedException>(() => { _ = stream.CopyToAsync(reader); });
        Assert.Throws<ArgumentNullException>(() => stream.CopyTo(null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => stream.CopyTo(second, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = stream.CopyToAsync(second, -1); });
        second.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stream.CopyTo(second));
    }

    [Fact]
    [Rule("stream.reads")]
    public void Checks_arguments_before_anything_else()
    {
        using var stream = _mapping.OpenStream();
        var one = new byte[1];
        foreach (var act in (Action<byte[], int, int>[])
            [
                (buffer, offset, count) => stream.Read(buffer, offset, count),
                (buffer, offset, count) => stream.Write(buffer, offset, count),
                (buffer, offset, count) => { _ = stream.ReadAsync(buffer, offset, count); },
                (buffer, offset, count) => { _ = stream.WriteAsync(buffer, offset, count); },
                (buffer, offset, count) => stream.BeginRead(buffer, offset, count, null, null),
                (buffer, offset, count) => stream.BeginWrite(buffer, offset, count, null, null),
            ])
        {
            Assert.Throws<ArgumentNullException>("buffer", () => act(null!, 0, 0));
            Assert.Throws<ArgumentOutOfRangeException>("offset", () => act(one, -1, 0));
            Assert.Throws<ArgumentOutOfRangeException>("count", () => act(one, 0, -1));
            Assert.Throws<ArgumentOutOfRangeException>("count", () => act(one, 0, 2));
            Assert.Throws<ArgumentOutOfRangeException>("count", () => act(one, 1, 1));
            Assert.Throws<ArgumentOutOfRangeException>("count", () => act(one, 2, 0));
        }

        Assert.Throws<ArgumentNullException>("asyncResult", () => stream.EndRead(null!));
        Assert.Throws<ArgumentNullException>("asyncResult", () => stream.EndWrite(null!));
        Assert.Throws<ArgumentException>(() => stream.EndRead(Task.CompletedTask));
        Assert.Equal(0, stream.Position);
    }

    [Fact]
    [Rule("stream.async")]
    public async Task Asynchronous_members_complete_at_once_on_the_calling_thread()
    {
        using var stream = _mapping.OpenStream(0, 64);
        var buffer = new byte[8];
        Assert.True(stream.ReadAsync(buffer).IsCompletedSuccessfully);
        Assert.True(stream.WriteAsync(buffer).IsCompletedSuccessfully);
        Assert.True(stream.ReadAsync(buffer, 0, 8).IsCompletedSuccessfully);
        Assert.True(stream.WriteAsync(buffer, 0, 8).IsCompletedSuccessfully);
        Assert.True(stream.FlushAsync().IsCompletedSuccessfully);
        Assert.True(stream.BeginRead(buffer, 0, 8, null, null).CompletedSynchronously);
        var (thread, state) = (0, new object());
        var result = stream.BeginWrite(buffer, 0, 8, _ => thread = Environment.CurrentManagedThreadId, state);
        Assert.Equal((true, state, Environment.CurrentManagedThreadId), (result.CompletedSynchronously, result.AsyncState, thread));
        stream.EndWrite(result);
        Assert.Equal(48, stream.Position);
        Assert.True(stream.CopyToAsync(Stream.Null).IsCompletedSuccessfully);

        var cancelled = new CancellationToken(canceled: true);
        stream.Position = 0;
        foreach (var task in (Task[])
            [
                stream.ReadAsync(buffer, cancelled).AsTask(), stream.WriteAsync(buffer, cancelled).AsTask(), stream.ReadAsync(buffer, 0, 8, cancelled),
                stream.WriteAsync(buffer, 0, 8, cancelled), stream.FlushAsync(cancelled), stream.CopyToAsync(Stream.Null, cancelled),
            ])
        {
            Assert.True(task.IsCanceled);
            var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task);
            Assert.Equal(cancelled, error.CancellationToken);
        }

        Assert.Equal(0, stream.Position);
    }

    [Fact]
    [Rule("stream.async")]
    [Rule("lease.free")]
    public void Reading_and_writing_allocate_nothing()
    {
        using var stream = _mapping.OpenStream();
        var buffer = new byte[16];
        Assert.Equal(0, Allocation.OfRounds(10_000, () => Use(stream, buffer)));

        static void Use(Stream stream, byte[] buffer)
        {
            stream.Position = 0;
            var read = stream.Read(buffer) + stream.ReadAsync(buffer.AsMemory()).Result + stream.ReadByte();
            stream.Write(buffer);
            stream.WriteByte((byte)read);
            stream.WriteAsync(buffer.AsMemory()).GetAwaiter().GetResult();
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Rule("stream.access")]
    public async Task A_stream_for_one_direction_refuses_the_other(Way way)
    {
        using var writer = _mapping.OpenStream(0, 8, FileAccess.Write);
        Assert.Equal((false, true, true), (writer.CanRead, writer.CanWrite, writer.CanSeek));
        await Write(writer, way, [1], 0, 1);
        await Assert.ThrowsAsync<NotSupportedException>(() => Read(writer, way, new byte[1], 0, 1));
        Assert.Throws<NotSupportedException>(() => writer.CopyTo(Stream.Null));
        Assert.Throws<NotSupportedException>(() => { _ = writer.CopyToAsync(Stream.Null); });

        using var view = _memory.Map(new() { Access = FileAccess.Read });
        using var reader = view.OpenStream();
        Assert.Equal((true, false, true), (reader.CanRead, reader.CanWrite, reader.CanSeek));
        Assert.Equal(1, await Read(reader, way, new byte[1], 0, 1));
        await Assert.ThrowsAsync<NotSupportedException>(() => Write(reader, way, [1], 0, 1));
        Assert.Throws<NotSupportedException>(() => reader.SetLength(1));
        reader.Flush();
        Assert.Throws<InvalidOperationException>(() => view.OpenStream(access: FileAccess.Write));
        Assert.Throws<InvalidOperationException>(() => view.OpenStream(access: FileAccess.ReadWrite));
        Assert.Throws<ArgumentException>(() => view.OpenStream(access: 0));
        Assert.Throws<ArgumentException>(() => view.OpenStream(access: (FileAccess)4));
    }

    [Fact]
    [Rule("stream.access")]
    public void A_stream_outside_the_mapping_is_refused_and_one_over_nothing_is_empty()
    {
        foreach (var (offset, length) in ((long, long?)[])[(0, 4097), (-1, 1), (4097, null), (1, -1), (long.MaxValue, 1), (4096, 1)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => _mapping.OpenStream(offset, length));
        }

        using var empty = _mapping.OpenStream(4096);
        Assert.Equal((0, -1, 0), (empty.Length, empty.ReadByte(), empty.Read(new byte[1])));
        Assert.Throws<NotSupportedException>(() => empty.WriteByte(1));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Rule("stream.disposed")]
    public async Task A_disposed_stream_refuses_everything(Way way)
    {
        var stream = _mapping.OpenStream();
        stream.Dispose();
        await stream.DisposeAsync();
        stream.Close();
        Assert.Equal((false, false, false), (stream.CanRead, stream.CanWrite, stream.CanSeek));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Read(stream, way, new byte[1], 0, 1));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Write(stream, way, [1], 0, 1));
        foreach (var act in (Action[])
            [
                () => _ = stream.Length, () => _ = stream.Position, () => stream.Position = 0, () => stream.Seek(0, SeekOrigin.Begin), () => stream.SetLength(1),
                () => stream.Flush(), () => { _ = stream.FlushAsync(); }, () => stream.CopyTo(Stream.Null), () => { _ = stream.CopyToAsync(Stream.Null); },
            ])
        {
            Assert.Throws<ObjectDisposedException>(act);
        }
    }

    [Fact]
    [Rule("stream.disposed")]
    [Rule("hold.forgotten")]
    public void A_stream_keeps_its_bytes_mapped_until_it_is_disposed_or_forgotten()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 4096);
        var stream = Open(memory);
        Collector.RunUntil(() => Held.Mappings(memory).Count == 1, "one mapping left");
        stream.WriteByte(7);
        stream.Dispose();
        Assert.Empty(Held.Mappings(memory));
        Forget(memory);
        Collector.RunUntil(() => Held.Mappings(memory).Count == 0, "nothing mapped");
        var stored = new byte[1];
        memory.Read(stored, 0);
        Assert.Equal(8, stored[0]);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static Stream Open(SharedMemoryObject memory)
        {
            using var mapping = memory.Map();
            var stream = mapping.OpenStream();
            _ = memory.Map().OpenStream();
            return stream;
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(SharedMemoryObject memory) => Open(memory).WriteByte(8);
    }

    [Fact]
    [Rule("stream.disposed")]
    public async Task A_stream_that_is_disposed_while_it_is_copied_keeps_the_bytes_until_then()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 4096);
        var mapping = memory.Map();
        var stream = mapping.OpenStream();
        mapping.Dispose();
        var destination = new SlowStream();
        var copying = stream.CopyToAsync(destination);
        stream.Dispose();
        Assert.Equal(4096, destination.Received.Span.Length);
        destination.Go.SetResult();
        await copying;
        Assert.Empty(Held.Mappings(memory));
    }

    private static async Task<int> Read(Stream stream, Way way, byte[] buffer, int offset, int count) => way switch
    {
        Way.Byte => count == 0 ? 0 : stream.ReadByte() is >= 0 and var one ? Store(buffer, offset, one) : 0,
        Way.Span => stream.Read(buffer.AsSpan(offset, count)),
#pragma warning disable CA1835 // Each of the overloads is tested.
        Way.Array => stream.Read(buffer, offset, count),
        Way.ArrayAsync => await stream.ReadAsync(buffer, offset, count),
#pragma warning restore CA1835
        Way.MemoryAsync => await stream.ReadAsync(buffer.AsMemory(offset, count)),
        _ => stream.EndRead(stream.BeginRead(buffer, offset, count, null, null)),
    };

    private static int Store(byte[] buffer, int offset, int one)
    {
        buffer[offset] = (byte)one;
        return 1;
    }

    private static async Task Write(Stream stream, Way way, byte[] buffer, int offset, int count)
    {
        switch (way)
        {
            case Way.Byte:
                foreach (var one in buffer.AsSpan(offset, count))
                {
                    stream.WriteByte(one);
                }

                break;
            case Way.Span:
                stream.Write(buffer.AsSpan(offset, count));
                break;
            case Way.Array:
                stream.Write(buffer, offset, count);
                break;
            case Way.ArrayAsync:
#pragma warning disable CA1835 // Each of the overloads is tested.
                await stream.WriteAsync(buffer, offset, count);
#pragma warning restore CA1835
                break;
            case Way.MemoryAsync:
                await stream.WriteAsync(buffer.AsMemory(offset, count));
                break;
            default:
                stream.EndWrite(stream.BeginWrite(buffer, offset, count, null, null));
                break;
        }
    }

    /// <summary>A destination that looks at what it is given only when it is told to go on.</summary>
    private sealed class SlowStream : MemoryStream
    {
        internal TaskCompletionSource Go { get; } = new();

        internal ReadOnlyMemory<byte> Received { get; private set; }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Received = buffer;
            await Go.Task;
            Write(buffer.Span);
        }
    }
}
