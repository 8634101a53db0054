namespace Posix.SharedMemory.Channels.Tests.Connections;

/// <summary>What connections use, and give back.</summary>
public sealed class Resources
{
    [Fact]
    [Rule("connection.allocation")]
    public async Task Messages_allocate_nothing()
    {
        using var both = await Both.OpenAsync();
        Assert.Equal(0, Allocation.OfRounds(10_000, () => Go(both)));

        static void Go(Both both)
        {
            Span<byte> bytes = stackalloc byte[64];
            both.Creator.Output.TryWrite(bytes);
            both.Receiver.Input.TryRead(bytes, out _, out _);
            both.Receiver.Output.TryWrite(bytes);
            both.Creator.Input.TryRead(out MessageLease lease);
            lease.Dispose();
            both.Receiver.Input.WaitToRead(TimeSpan.Zero);
        }
    }

    [Fact]
    [Rule("connection.leak")]
    public async Task A_thousand_connections_leave_nothing_open()
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var listener = new MessageListener(directory.File("sock"), new() { Capacity = 4096 });
        await ConnectAsync();
        // SHM_OPENS=10000 by hand.
        var opens = Environment.GetEnvironmentVariable("SHM_OPENS") is { Length: > 0 } text ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : 300;
        var (sockets, threads) = (Count("socket:"), Directory.GetDirectories("/proc/self/task").Length);
        for (var i = 0; i < opens; i++)
        {
            await ConnectAsync();
        }

        // Other tests of this process have some too.
        Watchdog.Until(() => Count("socket:") <= sockets + 20, "the sockets of closed connections to go");
        Assert.InRange(Directory.GetDirectories("/proc/self/task").Length, 0, threads + 20);
        Watchdog.Until(
            () =>
            {
#pragma warning disable RS0030 // Holds of locks are given back by the collector.
                GC.Collect();
#pragma warning restore RS0030
                GC.WaitForPendingFinalizers();
                return Count("/memfd:channel") <= 20 && File.ReadLines("/proc/self/maps").Count(line => line.Contains("/memfd:channel", StringComparison.Ordinal)) <= 40;
            },
            "the memory of closed connections to go");

        async Task ConnectAsync()
        {
            var connecting = MessageConnection.ConnectAsync(directory.File("sock")).AsTask();
            using var server = await listener.AcceptAsync();
            using var client = await connecting;
            client.Output.Write("hello"u8);
            Assert.Equal("hello", Opening.Read(server).Text);
        }

        static int Count(string target) => Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(path => new FileInfo(path).LinkTarget?.StartsWith(target, StringComparison.Ordinal) == true);
    }
}
