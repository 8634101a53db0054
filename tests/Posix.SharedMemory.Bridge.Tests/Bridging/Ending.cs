using Posix.SharedMemory.Bridge.Tests.Backends;

namespace Posix.SharedMemory.Bridge.Tests.Bridging;

/// <summary>However a bridge ends, everything that it began has ended then.</summary>
public sealed class Ending
{
    [Fact]
    [Rule("bridge.handler")]
    public async Task An_exception_of_a_handler_ends_the_bridge_and_everything_that_it_began()
    {
        var hub = new InMemoryBridgeHub();
        var backend = new InterceptedBackend(hub.Connect());
        using var prefix = new TemporaryName("ending");
        using var good = MessageChannel.Create(prefix + "good");
        using var typed = LatestValue<long>.Create(prefix + "typed");
        await using var bridge = new ChannelBridge(backend, new() { Export = ["*"], Import = ["*"], NamePrefix = prefix });
        bridge.Refused += _ => throw new FormatException("by the handler");
        Assert.Equal("by the handler", (await Assert.ThrowsAsync<FormatException>(() => bridge.RunAsync(default))).Message);
        Assert.Equal(0, backend.Subscribed);
        Assert.False(backend.IsDisposed);
        good.OpenReader().Dispose();
        await bridge.DisposeAsync();
        Assert.True(backend.IsDisposed);
    }

    [Fact]
    [Rule("bridge.dispose")]
    public async Task A_bridge_that_is_disposed_while_it_runs_ends_first_and_then_closes_the_connection()
    {
        var backend = new InterceptedBackend(new InMemoryBridgeHub().Connect());
        using var prefix = new TemporaryName("ending");
        using var channel = MessageChannel.Create(prefix + "x");
        var bridge = new ChannelBridge(backend, new() { Export = ["*"], NamePrefix = prefix });
        var running = bridge.RunAsync(default);
        Watchdog.Until(() => bridge.GetChannels().Count == 1, "the export");
        await bridge.DisposeAsync();
        await running;
        Assert.Equal((0, true), (backend.Subscribed, backend.IsDisposed));
        channel.OpenReader().Dispose();
        await bridge.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => bridge.RunAsync(default));
    }
}
