using System.Buffers;
using System.Threading.Channels;

namespace Posix.SharedMemory.Channels.Tests;

#pragma warning disable MA0051, CA1859 // Lists of names; the declared types are what is tested.
/// <summary>Uses each member of the kinds message, broadcast, latest and fan-in once, spelled with the names and left to the defaults that the contract promises: what compiles here keeps compiling.</summary>
public sealed class Spelling
{
    [Fact]
    [Rule("channel.surface")]
    public async Task Message_channels()
    {
        using TemporaryName name = new("spelling"), second = new("spelling");
        MessageChannelOptions options = new()
        {
            Capacity = 1 << 20,
            RecordAlignment = 8,
            SchemaId = 5,
            ContentType = "text/plain",
            Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            Lifetime = Lifetime.UnlinkOnLastDispose,
            OnConflict = NameConflict.ReplaceAbandoned,
        };
        EndpointOptions endpoint = new() { Label = "me", Restart = PeerRestart.Fail, SpinBudget = null, AllowSynchronousContinuations = false };
        using MessageChannel channel = MessageChannel.Create(name: name, options: options);
        using MessageChannel opened = MessageChannel.Open(name: name, schemaId: 5);
        using MessageChannel either = MessageChannel.OpenOrCreate(name: second, created: out bool created, options: null);
        using MessageChannel unnamed = MessageChannel.CreateAnonymous(options: null);
        using MessageChannel received = MessageChannel.FromObject(memory: SharedMemoryObject.Open(second));
        SharedMemoryObject memory = channel.Memory;
        ChannelStatus status = opened.GetStatus();
        Assert.True(created);
        Assert.Equal((ChannelKind.Message, 1L << 20, 0L, 0L, 0L, ChannelState.Open, name.Name), (status.Kind, status.Capacity, status.Used, status.Messages, status.Bytes, status.State, memory.Name));

        using MessageWriter writer = channel.OpenWriter(options: endpoint);
        using MessageReader reader = channel.OpenReader(options: endpoint);
        IBufferWriter<byte> building = writer;
        Assert.True(writer.TryWrite(message: [1], type: 1));
        Assert.True(writer.TryWrite(message: new ReadOnlySequence<byte>([2]), type: 2));
        await writer.WriteAsync(message: new byte[] { 3 }, type: 3, cancellationToken: default);
        writer.Write(message: [4], type: 4, timeout: null);
        building.Write<byte>([5]);
        building.GetSpan(1)[0] = 6;
        building.GetMemory(1).Span[0] = 6;
        building.Advance(1);
        writer.EndMessage(type: 5);
        writer.CancelMessage();
        Fill(writer);
        Assert.True(await writer.WaitToWriteAsync(length: 0, cancellationToken: default));
        Assert.True(writer.WaitToWrite(length: 1, timeout: TimeSpan.Zero));
        Assert.True((writer.Capacity, writer.MaxMessageLength > 0, writer.Free > 0) == (1 << 20, true, true));
        Assert.Equal((PeerState.Alive, PeerState.Alive), (writer.Reader, reader.Writer));
        EventHandler<PeerChangedEventArgs> handler = (_, change) => _ = (change.Peer.Index, change.Peer.State, change.Peer.Label, change.Peer.ProcessId);
        writer.PeerChanged += handler;
        reader.PeerChanged += handler;
        writer.PeerChanged -= handler;
        reader.PeerChanged -= handler;
        Read(reader);
        Assert.True(await reader.WaitToReadAsync(cancellationToken: default));
        Assert.True(reader.WaitToRead(timeout: TimeSpan.Zero));
        writer.Complete(error: 0);
        var types = 0;
        await foreach (ReadOnlyMemory<byte> message in reader.ReadAllAsync(cancellationToken: default))
        {
            types += message.Length;
        }

        Task completion = reader.Completion;
        await completion;
        Assert.Equal((4, 0L), (types, reader.Available));

        static void Fill(MessageWriter writer)
        {
            Assert.True(writer.TryReserve(length: 2, reservation: out MessageReservation reservation));
            using (reservation)
            {
                Span<byte> room = reservation.Span;
                reservation.Commit(length: room.Length, type: 6);
            }

            using MessageBatch batch = writer.BeginBatch();
            Assert.True(batch.TryWrite([7], type: 7));
            Assert.True(batch.TryReserve(length: 1, span: out Span<byte> span));
            batch.Commit(length: span.Length, type: 8);
        }

        static void Read(MessageReader reader)
        {
            Assert.True(reader.TryRead(message: out MessageLease lease));
            using (lease)
            {
                ReadOnlySpan<byte> bytes = lease.Span;
                Assert.Equal((1, 1, false, "me"), (bytes.Length, lease.Type, lease.IsRedelivered, lease.Writer.Label));
            }

            Assert.True(reader.TryRead(destination: stackalloc byte[8], length: out int length, type: out ushort type));
            Assert.Equal((1, 2), (length, type));
            Assert.True(reader.TryRead(destination: new ArrayBufferWriter<byte>(), type: out type));
            MessageSequence sequence = reader.ReadAvailable();
            foreach (var message in sequence)
            {
                Assert.True(message.Type > 2);
                if (message.Type == 5)
                {
                    break;
                }
            }
        }
    }

    [Fact]
    [Rule("channel.surface")]
    public async Task Typed_channels()
    {
        using TemporaryName name = new("spelling"), second = new("spelling");
        using SharedChannel<long> channel = SharedChannel.Create<long>(name, 64);
        using SharedChannel<long> opened = SharedChannel.Open<long>(name);
        using SharedChannel<long> either = SharedChannel.OpenOrCreate<long>(second, 64, out _);
        using SharedChannel<long> unnamed = SharedChannel.CreateAnonymous<long>(64);
        using SharedChannel<long> received = SharedChannel.FromObject<long>(SharedMemoryObject.Open(second));
        using SharedChannelWriter<long> writer = channel.OpenWriter(options: null);
        using SharedChannelReader<long> reader = opened.OpenReader(options: null);
        ChannelWriter<long> asWriter = writer;
        ChannelReader<long> asReader = reader;
        Assert.True(asWriter.TryWrite(1) && await asWriter.WaitToWriteAsync());
        Assert.Equal(2, writer.TryWrite([2, 3]));
        Assert.True(asReader.TryPeek(out var first) && asReader.TryRead(out first) && first == 1 && asReader.Count == 2);
        Assert.Equal(2, reader.TryRead(new long[4]));
        Assert.True(asWriter.TryComplete(null));
        Assert.False(await asReader.WaitToReadAsync());
        await asReader.Completion;
        Assert.Equal((name.Name, 8), (channel.Memory.Name, channel.GetStatus().ElementSize));
    }

    [Fact]
    [Rule("channel.surface")]
    public async Task Latest_values()
    {
        using TemporaryName name = new("spelling"), second = new("spelling");
        using LatestValue<double> value = LatestValue<double>.Create(name, new LatestOptions());
        using LatestValue<double> opened = LatestValue<double>.Open(name, access: FileAccess.Read);
        Assert.Throws<InvalidDataException>(() => LatestValue<double>.Open(name, 7));
        using LatestValue<double> either = LatestValue<double>.OpenOrCreate(second, out _);
        using LatestValue<double> unnamed = LatestValue<double>.CreateAnonymous();
        using LatestValue<double> received = LatestValue<double>.FromObject(SharedMemoryObject.Open(second));
        using LatestWriter<double> writer = value.OpenWriter();
        using LatestReader<double> reader = value.OpenReader();
        using LatestReader<double> observer = opened.OpenReader();
        writer.Publish(1.5);
        InPlace(writer);
        Assert.True(reader.TryRead(value: out double newest, version: out long version));
        Assert.True(observer.TryRead(out _, out _));
        Assert.Equal((2.5, version, PeerState.Alive), (newest, await reader.WaitForChangeAsync(seen: 0, cancellationToken: default), reader.Writer));
        Assert.True(version == reader.WaitForChange(seen: 0, timeout: TimeSpan.Zero));
        await Assert.ThrowsAsync<NotSupportedException>(() => observer.WaitForChangeAsync(0).AsTask());
        Assert.Equal((name.Name, ChannelKind.Latest), (value.Memory.Name, value.GetStatus().Kind));

        Assert.Throws<InvalidDataException>(() => LatestBytes.Open(name, 7));
        using LatestBytes bytes = LatestBytes.CreateAnonymous(new LatestBytesOptions { MaxLength = 100 });
        using LatestBytesWriter bytesWriter = bytes.OpenWriter();
        using LatestBytesReader bytesReader = bytes.OpenReader();
        bytesWriter.Publish([1, 2, 3]);
        Assert.True(bytesReader.TryRead(new byte[100], out int length, out version));
        Assert.Equal((3, 100), (length, bytes.MaxLength));

        static void InPlace(LatestWriter<double> writer)
        {
            using LatestReservation<double> reservation = writer.Begin();
            reservation.Value = 2.5;
            reservation.Commit();
        }
    }

    [Fact]
    [Rule("channel.surface")]
    public async Task Fan_ins()
    {
        using TemporaryName name = new("spelling"), second = new("spelling");
        using FanIn fanIn = FanIn.Create(name, new FanInOptions { Capacity = 1 << 16, MaxWriters = 64 });
        using FanIn opened = FanIn.Open(name, schemaId: 0);
        using FanIn either = FanIn.OpenOrCreate(second, out _, options: null);
        using FanIn unnamed = FanIn.CreateAnonymous(options: null);
        using FanIn received = FanIn.FromObject(SharedMemoryObject.Open(second));
        using FanInWriter writer = fanIn.OpenWriter(new EndpointOptions { Label = "writer" });
        using FanInReader reader = opened.OpenReader(options: null);
        IBufferWriter<byte> building = writer;
        Assert.True(writer.TryWrite(message: [1], type: 1));
        Assert.True(writer.TryWrite(message: new ReadOnlySequence<byte>([2]), type: 2));
        await writer.WriteAsync(message: new byte[] { 3 }, type: 3, cancellationToken: default);
        writer.Write(message: [4], type: 4, timeout: null);
        building.Write<byte>([5]);
        writer.EndMessage(type: 5);
        writer.CancelMessage();
        Fill(writer);
        Assert.True(await writer.WaitToWriteAsync(length: 0, cancellationToken: default));
        Assert.True(writer.WaitToWrite(length: 1, timeout: TimeSpan.Zero));
        Assert.True((writer.Capacity, writer.MaxMessageLength > 0, writer.Free > 0, writer.Reader) == (1 << 16, true, true, PeerState.Alive));
        EventHandler<PeerChangedEventArgs> handler = (_, _) => { };
        writer.PeerChanged += handler;
        reader.PeerChanged += handler;
        Read(reader);
        Assert.True(await reader.WaitToReadAsync(cancellationToken: default));
        Assert.True(reader.WaitToRead(timeout: TimeSpan.Zero));
        var all = reader.ReadAllAsync(cancellationToken: default).GetAsyncEnumerator();
        Assert.True(await all.MoveNextAsync());
        ReadOnlyMemory<byte> message = all.Current;
        Assert.Equal(2, message.Length);
        await all.DisposeAsync();
        Assert.True(reader.TryRead(out var seventh));
        Assert.Equal((7, 7), (seventh.Span[0], seventh.Type));
        seventh.Dispose();
        Assert.True(reader.TryRead(out FanInLease eighth));
        Assert.Equal((70, 8, "writer"), (eighth.Span[0], eighth.Type, eighth.Writer.Label));
        eighth.Dispose();
        Assert.False(reader.TryRead(out MessageLease none));
        Assert.True(none.Span.IsEmpty);
        Assert.Equal(0, reader.Available);
        Assert.Equal((0L, 1), (reader.LostClaims, reader.Writers.Count));
        writer.Complete(error: 0);
        Assert.Throws<InvalidOperationException>(() => writer.TryWrite([1]));
        Assert.Throws<InvalidOperationException>(() => writer.Complete());
        Assert.Equal((name.Name, ChannelKind.FanIn), (fanIn.Memory.Name, fanIn.GetStatus().Kind));

        static void Fill(FanInWriter writer)
        {
            Assert.True(writer.TryReserve(length: 2, reservation: out MessageReservation reservation));
            using (reservation)
            {
                reservation.Commit(length: reservation.Span.Length, type: 6);
            }

            using MessageBatch batch = writer.BeginBatch();
            Assert.True(batch.TryWrite([7], type: 7));
            Assert.True(batch.TryReserve(length: 1, span: out Span<byte> span));
            span[0] = 70;
            batch.Commit(length: span.Length, type: 8);
        }

        static void Read(FanInReader reader)
        {
            Assert.True(reader.TryRead(message: out MessageLease lease));
            using (lease)
            {
                Assert.Equal((1, 1, 1, false, "writer"), (lease.Span.Length, lease.Span[0], lease.Type, lease.IsRedelivered, lease.Writer.Label));
            }

            Assert.True(reader.TryRead(destination: stackalloc byte[8], length: out int length, type: out ushort type));
            Assert.Equal((1, 2), (length, type));
            Assert.True(reader.TryRead(destination: new ArrayBufferWriter<byte>(), type: out type));
            foreach (var message in reader.ReadAvailable())
            {
                Assert.True(message.Type > 2);
                if (message.Type == 5)
                {
                    break;
                }
            }
        }
    }

    [Fact]
    [Rule("channel.surface")]
    public async Task Broadcasts()
    {
        using TemporaryName name = new("spelling"), second = new("spelling");
        using Broadcast broadcast = Broadcast.Create(name, new BroadcastOptions { Capacity = 1 << 16, MaxReaders = 16, History = 0 });
        using Broadcast opened = Broadcast.Open(name, access: FileAccess.Read, schemaId: 0);
        Assert.Throws<InvalidDataException>(() => Broadcast.Open(name, schemaId: 7));
        using Broadcast either = Broadcast.OpenOrCreate(second, out _, options: null);
        using Broadcast unnamed = Broadcast.CreateAnonymous(options: null);
        using Broadcast received = Broadcast.FromObject(SharedMemoryObject.Open(second));
        using BroadcastWriter writer = broadcast.OpenWriter(new EndpointOptions { Label = "writer" });
        using BroadcastReader reader = broadcast.OpenReader();
        using BroadcastReader lossy = opened.OpenReader(new BroadcastReaderOptions { Delivery = BroadcastDelivery.Lossy, Start = BroadcastStart.Now });
        _ = (BroadcastStart.Oldest, BroadcastStart.Last(3), BroadcastDelivery.Lossless);
        Assert.True(writer.TryWrite(message: [1], type: 1));
        Assert.True(writer.TryWrite(message: new ReadOnlySequence<byte>([2]), type: 2));
        await writer.WriteAsync(message: new byte[] { 3 }, type: 3, cancellationToken: default);
        writer.Write(message: [4], type: 4, timeout: null);
        Assert.True(writer.TryReserve(length: 2, reservation: out MessageReservation reservation));
        reservation.Commit(length: 2, type: 5);
        Assert.True(await writer.WaitToWriteAsync(length: 0, cancellationToken: default));
        Assert.True(writer.WaitToWrite(length: 1, timeout: TimeSpan.Zero));
        Assert.True((writer.Capacity, writer.MaxMessageLength > 0, writer.Free > 0) == (1 << 16, true, true));
        IReadOnlyList<EndpointInfo> readers = writer.Readers;
        writer.Evict(endpoint: 2);
        EventHandler<PeerChangedEventArgs> handler = (_, _) => { };
        writer.PeerChanged += handler;
        reader.PeerChanged += handler;
        Assert.True(reader.TryRead(destination: new byte[8], info: out BroadcastMessage info));
        (long sequence, int length, ushort type, long missed) = (info.Sequence, info.Length, info.Type, info.Missed);
        Assert.True(reader.TryRead(message: out MessageLease lease));
        lease.Dispose();
        Assert.True(await reader.WaitToReadAsync(cancellationToken: default));
        Assert.True(reader.WaitToRead(timeout: TimeSpan.Zero));
        lossy.SkipToLatest();
        writer.Complete(error: 0);
        var bytes = 0;
        await foreach (ReadOnlyMemory<byte> message in reader.ReadAllAsync(cancellationToken: default))
        {
            bytes += message.Length;
        }

        Task completion = reader.Completion;
        await completion;
        Assert.Equal((0L, 1, 1, 0L, 4), (sequence, length, type, missed, bytes));
        Assert.Equal((1, PeerState.Alive, 0L, 0L), (readers.Count, reader.Writer, reader.Available, reader.Missed));
        Assert.Equal((name.Name, ChannelKind.Broadcast), (broadcast.Memory.Name, broadcast.GetStatus().Kind));
    }

    [Fact]
    [Rule("channel.surface")]
    public async Task Frame_channels()
    {
        using TemporaryName name = new("spelling"), second = new("spelling");
        using FrameChannel channel = FrameChannel.Create(name, new FrameOptions { SlotLength = 4096, SlotCount = 8, Depth = 2, MaxReaders = 8, Alignment = 4096, HugePages = false, SchemaId = 0, ContentType = "", OnConflict = NameConflict.Fail });
        using FrameChannel opened = FrameChannel.Open(name, schemaId: 0);
        using FrameChannel either = FrameChannel.OpenOrCreate(second, out _, options: new FrameOptions { Classes = [new(64, 1), new FrameClass(128, 1)] });
        using FrameChannel unnamed = FrameChannel.CreateAnonymous(options: null);
        using FrameChannel received = FrameChannel.FromObject(SharedMemoryObject.Open(second));
        using FrameWriter writer = channel.OpenWriter(new EndpointOptions { Label = "writer" });
        using FrameReader reader = channel.OpenReader(new FrameReaderOptions { Overflow = FrameOverflow.Wait, Restart = PeerRestart.Fail });
        EndpointOptions plain = new() { Label = "plain" };
        unnamed.OpenReader(plain).Dispose();
        Assert.Equal([FrameOverflow.DropOldest, FrameOverflow.DropNewest, FrameOverflow.Wait], Enum.GetValues<FrameOverflow>());
        EventHandler<PeerChangedEventArgs> handler = (_, _) => { };
        writer.PeerChanged += handler;
        reader.PeerChanged += handler;
        Assert.True(writer.TryLoan(length: 10, frame: out Frame? frame));
        frame.Header = new FrameHeader { Width = 640, Height = 480, Format = 0, DType = "|u1", Tag = 0 };
        int filled = frame.Span.Length + frame.Memory.Length;
        frame.Type = 1;
        int reached = writer.Send(frame);
        reached += writer.Send(await writer.LoanAsync(length: 10, cancellationToken: default), TimeSpan.Zero);
        using Frame read = await reader.ReadAsync(cancellationToken: default);
        reached += await writer.SendAsync(writer.Loan(length: 10, timeout: null), cancellationToken: default);
        filled -= read.ReadOnlySpan.Length;
        (long sequence, long timestamp, ushort type, int length, int capacity) = (read.Sequence, read.Timestamp, read.Type, read.ReadOnlyMemory.Length, read.Capacity);
        Assert.True(await reader.WaitToReadAsync(cancellationToken: default));
        Assert.True(reader.WaitToRead(timeout: TimeSpan.Zero));
        Assert.True(reader.TryRead(frame: out Frame? next));
        next.Dispose();
        IReadOnlyList<EndpointInfo> readers = writer.Readers;
        System.Buffers.IMemoryOwner<byte> owner = read;
        writer.Complete(error: 0);
        await foreach (Frame each in reader.ReadAllAsync(cancellationToken: default))
        {
            reached += each.Length;
        }

        await reader.Completion;
        Assert.Equal((0L, true, 1, 10, 4096, 13), (sequence, timestamp > 0, type, length, capacity, reached));
        Assert.Equal((1, PeerState.Alive, 0L, 640), (readers.Count, reader.Writer, reader.Missed, read.Header.Width));
        Assert.Equal((name.Name, ChannelKind.Frames), (channel.Memory.Name, channel.GetStatus().Kind));
        Assert.True(filled == 10 && owner is not null);
    }

    [Fact]
    [Rule("channel.surface")]
    public void Failures_and_peers()
    {
        ChannelException[] failures = [new PeerLeftException(), new PeerDiedException(), new ChannelCorruptException()];
        Assert.All(failures, failure => Assert.IsAssignableFrom<IOException>(failure));
        EndpointInfo? left = ((PeerLeftException)failures[0]).Peer, died = ((PeerDiedException)failures[1]).Peer;
        (string field, long offset) = (((ChannelCorruptException)failures[2]).Field, ((ChannelCorruptException)failures[2]).Offset);
        Assert.Equal(0, ((PeerDiedException)failures[1]).LostClaims);
        Assert.Equal([PeerState.None, PeerState.Alive, PeerState.Left, PeerState.Died], Enum.GetValues<PeerState>());
        Assert.Equal([PeerRestart.Fail, PeerRestart.Wait], Enum.GetValues<PeerRestart>());
        _ = (left, died, field, offset);
    }
}
