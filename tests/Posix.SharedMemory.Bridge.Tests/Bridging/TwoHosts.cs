using System.Collections.Concurrent;
using Posix.SharedMemory.Bridge.Tests.Backends;

namespace Posix.SharedMemory.Bridge.Tests.Bridging;

/// <summary>Two bridges that are two hosts by the beginning of their names: A exports, B imports, unless a test says otherwise.</summary>
internal sealed class TwoHosts : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly INetwork _network;
    private CancellationTokenSource _stopB = new();
    private Task _runningB = Task.CompletedTask;
    private BridgeOptions _optionsOfB = new();
    private readonly string _prefix = SharedMemoryObject.CreateUniqueName("bridge");
    private readonly List<Task> _running = [];

    private TwoHosts(INetwork network) => _network = network;

    internal ChannelBridge A { get; private set; } = null!;

    internal ChannelBridge B { get; private set; } = null!;

    internal ConcurrentQueue<LostEventArgs> Losses { get; } = [];

    internal ConcurrentQueue<RefusedEventArgs> Refusals { get; } = [];

    internal string NameOnA(string name) => $"{_prefix}-a-{name}";

    internal string NameOnB(string name) => $"{_prefix}-b-{name}";

    internal static async Task<TwoHosts> StartAsync(INetwork network, Func<BridgeOptions, BridgeOptions>? a = null, Func<BridgeOptions, BridgeOptions>? b = null)
    {
        var hosts = new TwoHosts(network);
        var options = new BridgeOptions { Host = "a" + hosts._prefix, Export = ["*"], NamePrefix = hosts.NameOnA("") };
        (hosts.A, var running) = hosts.Start(await network.ConnectAsync(), a?.Invoke(options) ?? options, hosts._stop.Token);
        hosts._running.Add(running);
        options = new() { Host = "b" + hosts._prefix, Import = ["*"], NamePrefix = hosts.NameOnB("") };
        hosts._optionsOfB = b?.Invoke(options) ?? options;
        await hosts.StartBAgainAsync();
        return hosts;
    }

    /// <summary>Ends the bridge of A.</summary>
    internal async Task StopAAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        await A.DisposeAsync();
    }

    /// <summary>Ends the bridge of B.</summary>
    internal async Task StopBAsync()
    {
        await _stopB.CancelAsync();
        await _runningB;
        await B.DisposeAsync();
    }

    /// <summary>Makes a bridge of B, as the one before.</summary>
    internal async Task StartBAgainAsync()
    {
        _stopB.Dispose();
        _stopB = new();
        (B, _runningB) = Start(await _network.ConnectAsync(), _optionsOfB, _stopB.Token);
    }

    internal MessageChannel CreateSource(string name, MessageChannelOptions? options = null) => MessageChannel.Create(NameOnA(name), options);

    /// <summary>The channel as it appears on B.</summary>
    internal MessageChannel OpenTarget(string name)
    {
        MessageChannel? channel = null;
        Watchdog.Until(() => (channel = TryOpen(NameOnB(name))) is not null, $"the channel {name} to appear");
        return channel!;
    }

    internal static MessageChannel? TryOpen(string name)
    {
        try
        {
            return MessageChannel.Open(name);
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.ENOENT)
        {
            return null;
        }
    }

    /// <summary>Every number from 1 arrived once and in order, or was reported by B as lost, and none of them both.</summary>
    internal void RequireAllAccountedFor(IReadOnlyList<long> received, long last)
    {
        Assert.Equal(received.Order().Distinct(), received);
        Watchdog.Until(() => received.Count + LostOnB() == last, $"{last} numbers accounted for: {received.Count} arrived, {LostOnB()} lost on B; {string.Join(", ", Losses.Select(loss => $"{loss.First}..{loss.Last} {loss.Where}"))}");
        var lost = Losses.SelectMany(loss => Enumerable.Range((int)loss.First, (int)(loss.Last - loss.First + 1)).Select(number => (long)number)).ToHashSet();
        Assert.DoesNotContain(received, lost.Contains);
    }

    internal long LostOnB() => B.GetChannels().Sum(channel => channel.Lost);

    public async ValueTask DisposeAsync()
    {
        await StopAAsync();
        await StopBAsync();
        _stopB.Dispose();
        _stop.Dispose();
    }

    private (ChannelBridge Bridge, Task Running) Start(IBridgeBackend backend, BridgeOptions options, CancellationToken stop)
    {
        var bridge = new ChannelBridge(backend, options);
        bridge.Lost += loss => Losses.Enqueue(loss);
        bridge.Refused += refusal => Refusals.Enqueue(refusal);
        return (bridge, bridge.RunAsync(stop));
    }
}
