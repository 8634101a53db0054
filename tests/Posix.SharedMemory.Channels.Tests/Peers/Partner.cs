namespace Posix.SharedMemory.Channels.Tests.Peers;

/// <summary>This program as the other process.</summary>
internal static class Partner
{
    internal static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.Channels.Tests");

    /// <summary>Starts a process that opens an end of a channel, and waits until it has.</summary>
    internal static Peer Open(string name, string role, string label = "")
    {
        var peer = Peer.Run(Program, role, name, label);
        Assert.Equal("open", peer.ReadLine());
        return peer;
    }

    internal static Peer Start(string command, params string[] arguments) => Peer.Run(Program, [command, .. arguments]);
}
