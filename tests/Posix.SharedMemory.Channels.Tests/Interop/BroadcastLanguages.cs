using Posix.SharedMemory.Channels.Tests.Broadcasts;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Interop;

/// <summary>C (glibc and musl) and Python on the same broadcast, through psm_broadcast.h and psm_broadcast.py.</summary>
public sealed class BroadcastLanguages
{
    /// <summary>The longest message of a ring of 4096 bytes.</summary>
    private const int Most = 2032;

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("musl-gcc")]
    [InlineData("python")]
    [Rule("channel.languages")]
    [Rule("broadcast.record")]
    public void Another_language_writes_messages_of_every_length_and_this_one_reads(string language)
    {
        using var name = new TemporaryName("broadcast");
        using var directory = TemporaryDirectory.InMemory();
        using var broadcast = Broadcast.Create(name, new() { Capacity = 4096, MaxReaders = 3, History = 4 });
        using BroadcastReader lossless = broadcast.OpenReader(), lossy = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy });
        using var peer = Start(language, directory, name, broadcast, "sizes", 0, Most + 1);
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal(language == "python" ? "python" : "C", broadcast.GetStatus().Endpoints[0].Label);
        Assert.Equal(Errno.EBUSY, Assert.Throws<SharedMemoryException>(() => broadcast.OpenWriter()).Errno);
        var (bytes, next) = (new byte[Most], 0L);
        for (var number = 0L; number <= Most; number++)
        {
            Assert.True(lossless.WaitToRead(Watchdog.Limit));
            Assert.True(lossless.TryRead(bytes, out var info));
            Assert.Equal(new(number, Languages.SizeOf(number, Most), (ushort)(number % 1000), 0), info);
            Assert.True(Languages.IsSized(bytes.AsSpan(0, info.Length), number, Languages.SizeOf(number, Most)));
            while (lossy.TryRead(bytes, out info))
            {
                Assert.Equal(next + info.Missed, info.Sequence);
                Assert.True(Languages.IsSized(bytes.AsSpan(0, info.Length), info.Sequence, Languages.SizeOf(info.Sequence, Most)));
                next = info.Sequence + 1;
            }
        }

        Assert.Equal("written", peer.ReadLine());
        // The history that it left.
        using (var late = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy, Start = BroadcastStart.Last(1) }))
        {
            Assert.True(late.TryRead(bytes, out var last));
            Assert.Equal((Most, Most + 1), (last.Sequence, broadcast.GetStatus().Messages));
        }

        peer.Tell("complete 7");
        Assert.Equal(7, Assert.Throws<ChannelException>(() => lossless.WaitToRead(Watchdog.Limit)).Error);
        Assert.Equal("closed", peer.ReadLine());
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("musl-gcc")]
    [InlineData("python")]
    [Rule("channel.languages")]
    [Rule("broadcast.record")]
    [Rule("broadcast.complete")]
    public void This_language_writes_messages_of_every_length_and_another_reads_each(string language)
    {
        using var name = new TemporaryName("broadcast");
        using var directory = TemporaryDirectory.InMemory();
        using var broadcast = Broadcast.Create(name, new() { Capacity = 4096, MaxReaders = 2 });
        using var writer = broadcast.OpenWriter();
        using var peer = Start(language, directory, name, broadcast, "read", 0, 0);
        Assert.Equal("open", peer.ReadLine());
        Assert.Equal((language == "python" ? "python" : "C", PeerState.Alive), (writer.Readers[0].Label, writer.Readers[0].State));
        for (var number = 0L; number <= Most; number++)
        {
            Write(writer, number);
        }

        writer.Complete(7);
        Assert.Equal(language == "python" ? $"ended WriterError after {Most + 1} error 7" : $"ended 0 after {Most + 1}, error 7", peer.ReadLine());
        Assert.Equal(4096, writer.Free);
        peer.Tell("close");
        Assert.Equal("closed", peer.ReadLine());
        Assert.Equal(PeerState.Left, writer.Readers[0].State);
    }

    [SkippableTheory]
    [InlineData("cc", 100_000)]
    [InlineData("python", 20_000)]
    [Rule("channel.languages")]
    [Rule("broadcast.lossy")]
    [Rule("broadcast.missed")]
    [Rule("broadcast.read-only")]
    public void Another_language_reads_what_it_can_through_a_mapping_for_reading_only(string language, int count)
    {
        using var name = new TemporaryName("broadcast");
        using var directory = TemporaryDirectory.InMemory();
        using var broadcast = Broadcast.Create(name, new() { Capacity = 1 << 14, History = 100 });
        using var writer = broadcast.OpenWriter();
        using var peer = Start(language, directory, name, broadcast, "look", 0, count);
        Assert.Equal("open", peer.ReadLine());
        for (var number = 0L; number < count; number++)
        {
            Write(writer, number);
        }

        Assert.Equal("read 1", peer.ReadLine());
        Assert.Empty(writer.Readers);
        peer.Tell("close");
        Assert.Equal("closed", peer.ReadLine());
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("musl-gcc")]
    [InlineData("python")]
    [Rule("channel.languages")]
    [Rule("broadcast.split")]
    public void Another_language_reads_a_split_broadcast_whose_data_it_cannot_write(string language)
    {
        using var directory = TemporaryDirectory.InMemory();
        using var broadcast = Broadcast.CreateSplit(new() { Capacity = 4096, MaxReaders = 1, History = 4 });
        using var writer = broadcast.OpenWriter();
        Write(writer, 0);
        // The other process opens both by the descriptors of this one; the kernel refuses the data for writing.
        var (data, control) = (broadcast.Memory.SafeFileHandle.DangerousGetHandle(), broadcast.Control!.SafeFileHandle.DangerousGetHandle());
        using var peer = Languages.StartAt(language, directory, "broadcast_partner", $"/proc/{Environment.ProcessId}/fd/{data}", broadcast.Memory.Length, "split", control, 0);
        Assert.Equal(["open", "one"], [peer.ReadLine(), peer.ReadLine()]);
        Assert.Equal((language == "python" ? "python" : "C", PeerState.Alive), (writer.Readers[0].Label, writer.Readers[0].State));
        for (var number = 1L; number <= 500; number++)
        {
            Write(writer, number);
        }

        writer.Complete(7);
        Assert.Equal("ended 0 after 501 error 7", peer.ReadLine());
        peer.Tell("close");
        Assert.Equal("closed", peer.ReadLine());
        Assert.Equal(PeerState.Left, writer.Readers[0].State);
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("python")]
    [Rule("channel.languages")]
    [Rule("broadcast.evict")]
    public void A_reader_in_another_language_that_is_evicted_says_so(string language)
    {
        using var name = new TemporaryName("broadcast");
        using var directory = TemporaryDirectory.InMemory();
        using var broadcast = Broadcast.Create(name, new() { Capacity = 4096 });
        using var writer = broadcast.OpenWriter();
        using var peer = Start(language, directory, name, broadcast, "read", 0, 0);
        Assert.Equal("open", peer.ReadLine());
        writer.Evict(1);
        Assert.Equal(language == "python" ? "ended Evicted after 0 error" : $"ended {-125} after 0, error 0", peer.ReadLine());
        peer.Tell("close");
        Assert.Equal("closed", peer.ReadLine());
    }

    [SkippableFact]
    [Rule("channel.windows")]
    [Rule("broadcast.died")]
    public void A_writer_in_C_that_is_killed_in_any_window_loses_and_invents_nothing()
    {
        using var name = new TemporaryName("broadcast");
        using var directory = TemporaryDirectory.InMemory();
        using var broadcast = Broadcast.Create(name, new() { Capacity = 4096, History = 8 });
        using var audience = new Audience(broadcast);
        var killed = 0;
        foreach (var (window, times) in Languages.Windows([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 23, 24, 25]))
        {
            var before = audience.Expected;
            using var peer = Start("cc", directory, name, broadcast, "stream", before, 30, window, times);
            peer.Tell("close");
            bool hasExited;
            do
            {
                hasExited = peer.HasExited;
                audience.Read();
            }
            while (!hasExited);

            var (code, output, _) = peer.Finish();
            Assert.True(code is 0 or 137, output);
            killed += code == 137 ? 1 : 0;
            // After some windows the next writer is one in C, after the others this one.
            if (window % 2 == 0 || window >= 23)
            {
                broadcast.OpenWriter().Dispose();
                Assert.Equal(audience.Expected, broadcast.GetStatus().Messages);
            }
        }

        Assert.InRange(killed, 30, int.MaxValue);
    }

    [SkippableFact]
    [Rule("channel.windows")]
    [Rule("broadcast.reader-died")]
    public void A_reader_in_C_that_is_killed_in_any_window_holds_the_writer_up_no_longer()
    {
        using var name = new TemporaryName("broadcast");
        using var directory = TemporaryDirectory.InMemory();
        using var broadcast = Broadcast.Create(name, new() { Capacity = 4096, MaxReaders = 2, History = 8 });
        using var writer = broadcast.OpenWriter();
        var (killed, number, message) = (0, 0L, new byte[1024]);
        foreach (var (window, times) in Languages.Windows([1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 21, 22, 27]))
        {
            using var peer = Start("cc", directory, name, broadcast, "receive", 0, 20, window, window > 12 ? 1 : times);
            do
            {
                var length = Streams.LengthOf(number, 1024);
                Streams.Fill(message, number++);
                writer.Write(message.AsSpan(0, length), 3, Watchdog.Limit);
            }
            while (!peer.HasExited);

            var (code, output, _) = peer.Finish();
            Assert.True(code is 0 or 137, output);
            killed += code == 137 ? 1 : 0;
        }

        Assert.InRange(killed, 20, int.MaxValue);
    }

    private static void Write(BroadcastWriter writer, long number)
    {
        Span<byte> message = stackalloc byte[Most];
        var length = Languages.SizeOf(number, writer.MaxMessageLength);
        if (length > Most)
        {
            message = new byte[length];
        }

        Languages.FillSized(message[..length], number);
        writer.Write(message[..length], (ushort)(number % 1000), Watchdog.Limit);
    }

    private static Peer Start(string language, TemporaryDirectory directory, string name, Broadcast broadcast, string role, long from, long count, int window = 0, int times = 0) =>
        Languages.Start(language, directory, "broadcast_partner", name, broadcast.Memory.Length, role, from, count, window, times);
}
