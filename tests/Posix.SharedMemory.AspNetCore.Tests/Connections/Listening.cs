using Microsoft.AspNetCore.Connections;
using Posix.SharedMemory.AspNetCore.Tests.Peers;

namespace Posix.SharedMemory.AspNetCore.Tests.Connections;

/// <summary>Where a server listens, and for whom.</summary>
public sealed class Listening
{
    [Fact]
    [Rule("http.listen")]
    public async Task The_path_has_the_permissions_that_were_asked_for_and_is_gone_afterwards()
    {
        using var directory = TemporaryDirectory.InMemory();
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite;
        await using (var server = await Server.StartAsync("", "1.1", place: new(directory.File("one")) { Mode = Mode }))
        {
            Assert.Equal(Mode, File.GetUnixFileMode(directory.File("one")));
        }

        await using (var server = await Server.StartAsync(directory.File("two"), "1.1"))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(directory.File("two")));
        }

        Assert.Empty(directory.List());
    }

    [Fact]
    [Rule("http.taken")]
    public async Task A_path_at_which_another_server_listens_is_refused_as_an_address_in_use()
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File(), "1.1");
        var failure = await Assert.ThrowsAsync<IOException>(() => Server.StartAsync(directory.File(), "1.1"));
        Assert.IsType<AddressInUseException>(failure.InnerException);
        using var client = server.Connect();
        Assert.Equal("hello", await client.GetStringAsync(new Uri("hello", UriKind.Relative)));
    }

    [Fact]
    [Rule("http.taken")]
    public async Task A_directory_that_is_not_there_fails_the_start_with_its_own_error()
    {
        using var directory = TemporaryDirectory.InMemory();
        Assert.Equal(Errno.ENOENT, (await Assert.ThrowsAsync<SharedMemoryException>(() => Server.StartAsync(directory.File("no/where"), "1.1"))).Errno);
        Assert.Throws<ArgumentException>(() => new SharedMemoryEndPoint(""));
        Assert.Equal("/run/place", new SharedMemoryEndPoint("/run/place").Path);
        Assert.Throws<ArgumentException>(() => SharedMemoryHttp.CreateHandler(""));
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    [Rule("http.leak")]
    public async Task Connections_that_have_ended_leave_no_descriptor(string version)
    {
        using var directory = TemporaryDirectory.InMemory();
        await using var server = await Server.StartAsync(directory.File(), version);
        await AskAsync(server);
        var before = Descriptors();
        for (var i = 0; i < 20; i++)
        {
            await AskAsync(server);
        }

        Watchdog.Until(() => Descriptors() <= before, $"the {before} descriptors that there were before");
    }

    [Fact]
    [Rule("http.full")]
    public async Task A_server_that_has_no_descriptor_left_takes_clients_again_when_it_has()
    {
        using var directory = TemporaryDirectory.InMemory();
        using var server = Acts.Serve(directory.File(), "1.1", descriptors: 250);
        using (var before = Server.Connect(directory.File(), "1.1"))
        {
            Assert.Equal("hello", await before.GetStringAsync(new Uri("hello", UriKind.Relative)));
        }

        using var enough = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 150).Select(_ => MessageConnection.ConnectAsync(directory.File(), enough.Token).AsTask()).ToArray();
        Watchdog.Until(() => server.Ask("warnings") != "0", "a client for which the server has no descriptor");
        await enough.CancelAsync();
        foreach (var connecting in clients)
        {
            try
            {
                (await connecting).Dispose();
            }
            catch (Exception e) when (e is OperationCanceledException or PeerLeftException)
            {
                // It has waited, or was turned away.
            }
        }

        using var after = Server.Connect(directory.File(), "1.1");
        Assert.Equal("hello", await after.GetStringAsync(new Uri("hello", UriKind.Relative)));
    }

    private static async Task AskAsync(Server server)
    {
        using var client = server.Connect();
        Assert.Equal("hello", await client.GetStringAsync(new Uri("hello", UriKind.Relative)));
    }

    private static int Descriptors()
    {
#pragma warning disable RS0030 // Memory and its descriptors are given back by the collector.
        GC.Collect();
#pragma warning restore RS0030
        GC.WaitForPendingFinalizers();
        return Directory.EnumerateFileSystemEntries("/proc/self/fd").Count();
    }
}
