using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Posix.SharedMemory.Bridge.Hosting;
using Posix.SharedMemory.Bridge.Tests.Bridging;
using Posix.SharedMemory.Bridge.Tests.Nats;

namespace Posix.SharedMemory.Bridge.Tests.Hosting;

/// <summary>Bridges that are services of a host.</summary>
public sealed class InAHost
{
    [Fact]
    [Rule("bridge.host")]
    public async Task Bridges_begin_and_end_with_their_host_wait_for_their_engine_and_log_what_is_lost()
    {
        var hub = new InMemoryBridgeHub();
        using var prefix = new TemporaryName("hosted");
        var log = new LogLines();
        var attempts = 0;
        using var host = new HostBuilder().ConfigureLogging(logging => logging.AddProvider(log)).ConfigureServices(services =>
        {
            services.AddChannelBridge(async (provider, cancellationToken) =>
            {
                await Task.Yield();
                Assert.NotNull(provider.GetService<IHostApplicationLifetime>());
                cancellationToken.ThrowIfCancellationRequested();
                return ++attempts == 1 ? throw new IOException("not there yet") : new ChannelBridge(hub.Connect(), new() { Host = "a", Export = ["*"], NamePrefix = prefix + "-a-" });
            });
            services.AddChannelBridge((_, _) => Task.FromResult(new ChannelBridge(hub.Connect(), new() { Host = "b", Import = ["*"], NamePrefix = prefix + "-b-" })));
        }).Build();
        await host.StartAsync();
        using (var source = MessageChannel.Create(prefix + "-a-x"))
        using (var writer = source.OpenWriter())
        {
            MessageChannel? appeared = null;
            Watchdog.Until(() => (appeared = TwoHosts.TryOpen(prefix + "-b-x")) is not null, "the channel to appear");
            using var target = appeared!;
            using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
            await Traffic.WriteNumberAsync(writer, 7, 20);
            Assert.Equal(7, BitConverter.ToInt64(Traffic.ReadOne(reader).Bytes));
            await using var stranger = hub.Connect();
            await stranger.PublishAsync("shm.v1.t.x", new() { Frame = "nonsense" }, default, default);
            Watchdog.Until(() => log.Lines.Any(line => line.StartsWith("Warning Refused x: A message has no valid header", StringComparison.Ordinal)), "the refusal in the log");
            await host.StopAsync();
            source.OpenReader().Dispose();
        }

        Assert.Contains("Warning The engine of the bridge cannot be used yet: not there yet", log.Lines);
        Assert.Equal(2, log.Lines.Count(line => line == "Information The bridge carries channels."));
        Assert.Null(TwoHosts.TryOpen(prefix + "-b-x"));
    }

    [SkippableFact]
    [Rule("bridge.host")]
    public async Task A_bridge_over_NATS_carries_and_a_host_that_ends_before_there_is_a_server_ends_cleanly()
    {
        await using var server = new NatsServer();
        using var prefix = new TemporaryName("hosted");
        using var host = new HostBuilder().ConfigureServices(services => services
            .AddChannelBridge(server.Url, new() { Host = "a", Export = ["*"], NamePrefix = prefix + "-a-" })
            .AddChannelBridge(server.Url, new() { Host = "b", Import = ["*"], NamePrefix = prefix + "-b-" })).Build();
        await host.StartAsync();
        using var source = MessageChannel.Create(prefix + "-a-x");
        MessageChannel? appeared = null;
        Watchdog.Until(() => (appeared = TwoHosts.TryOpen(prefix + "-b-x")) is not null, "the channel to appear");
        appeared!.Dispose();
        await host.StopAsync();
        await server.BreakAsync();
        using var early = new HostBuilder().ConfigureServices(services => services.AddChannelBridge(server.Url, new() { Export = ["nothing"] })).Build();
        await early.StartAsync();
        await early.StopAsync();
        await server.RestoreAsync();
        Assert.Throws<ArgumentException>(() => new ServiceCollection().AddChannelBridge("", new()));
    }

    private sealed class LogLines : ILoggerProvider, ILogger
    {
        internal ConcurrentQueue<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable BeginScope<TState>(TState state) => this;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Enqueue($"{logLevel} {formatter(state, exception)}");

        public void Dispose()
        {
        }
    }
}
