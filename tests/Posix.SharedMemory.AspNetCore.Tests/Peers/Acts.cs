namespace Posix.SharedMemory.AspNetCore.Tests.Peers;

/// <summary>A server, or a client, in a process of its own.</summary>
internal static class Acts
{
    internal static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.AspNetCore.Tests");

    /// <summary>Starts a process that serves at a path, and waits until it does.</summary>
    internal static Peer Serve(string path, string version)
    {
        var peer = Peer.Run(Program, "serve", path, version);
        Assert.Equal("open", peer.ReadLine());
        return peer;
    }

    /// <summary>Starts a process that serves at a path, and can have this many descriptors.</summary>
    internal static Peer Serve(string path, string version, int descriptors)
    {
        var peer = Peer.Run("sh", "-c", $"ulimit -n {descriptors}; exec \"$0\" serve \"$1\" \"$2\"", Program, path, version);
        Assert.Equal("open", peer.ReadLine());
        return peer;
    }

    /// <summary>Starts a process that has got the beginning of a response.</summary>
    internal static Peer Get(string path, string version, string address)
    {
        var peer = Peer.Run(Program, "get", path, version, address);
        Assert.Equal("open", peer.ReadLine());
        return peer;
    }

    internal static async Task<int> ServeAsync(string path, string version)
    {
        await using var server = await Server.StartAsync(path, version);
        Console.WriteLine("open");
        while (await Console.In.ReadLineAsync() is not null)
        {
            Console.WriteLine(server.Log.Lines.Count);
        }

        return 0;
    }

    internal static async Task<int> GetAsync(string path, string version, string address)
    {
        using var client = Server.Connect(path, version);
        using var response = await client.GetAsync(new Uri(address, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        Console.WriteLine("open");
        await Console.In.ReadLineAsync();
        return 0;
    }
}
