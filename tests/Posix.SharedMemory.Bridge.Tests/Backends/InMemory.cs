namespace Posix.SharedMemory.Bridge.Tests.Backends;

/// <summary>The engine in memory.</summary>
public sealed class InMemory : BackendConformance
{
    private protected override INetwork CreateNetwork() => new InMemoryNetwork();

    private protected override INetwork CreateKeepingNetwork() => new InMemoryNetwork();

    [Theory]
    [Rule("bridge.backend")]
    [InlineData("a.b", "a.b", true)]
    [InlineData("a.*", "a.b", true)]
    [InlineData("a.*", "a.b.c", false)]
    [InlineData("a.*", "a", false)]
    [InlineData("a.>", "a.b.c", true)]
    [InlineData("a.>", "a", false)]
    [InlineData("*.b", "a.b", true)]
    [InlineData("a", "a.b", false)]
    [InlineData("a.b", "a", false)]
    public void Wildcards_cover_tokens(string pattern, string subject, bool covers) => Assert.Equal(covers, InMemoryBridgeHub.Matches(pattern, subject));
}

/// <summary>An engine in memory, cut by breaking all its connections.</summary>
internal sealed class InMemoryNetwork : INetwork
{
    private readonly InMemoryBridgeHub _hub = new();
    private readonly List<InMemoryBridgeBackend> _connections = [];

    public Task<IBridgeBackend> ConnectAsync()
    {
        var connection = _hub.Connect();
        _connections.Add(connection);
        return Task.FromResult<IBridgeBackend>(connection);
    }

    public Task BreakAsync()
    {
        _connections.ForEach(connection => connection.Break());
        return Task.CompletedTask;
    }

    public Task RestoreAsync()
    {
        _connections.ForEach(connection => connection.Restore());
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => default;
}
