using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Posix.SharedMemory.Bridge.Nats;

namespace Posix.SharedMemory.Bridge.Hosting;

/// <summary>Adds bridges to the services of a host.</summary>
public static class ChannelBridgeServices
{
    /// <summary>Adds a bridge over NATS, which begins and ends with the host. Each call adds another one.</summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="url">Where the server is, such as <c>nats://hub:4222</c>; several are separated by commas. One that cannot be reached is tried again, with a warning in the log.</param>
    /// <param name="options">What the bridge carries, and how. They are checked when the host begins: what is out of its range ends it.</param>
    /// <returns><paramref name="services"/>.</returns>
    /// <exception cref="ArgumentException">The URL is empty.</exception>
    /// <example>
    /// <code><![CDATA[
    /// void Configure(Microsoft.Extensions.DependencyInjection.IServiceCollection services) =>
    ///     services.AddChannelBridge("nats://hub:4222", new() { Export = ["camera.*"], Import = ["plan.*"] });
    /// ]]></code>
    /// </example>
    public static IServiceCollection AddChannelBridge(this IServiceCollection services, string url, BridgeOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(url);
        ArgumentNullException.ThrowIfNull(options);
        return services.AddChannelBridge((_, cancellationToken) => NatsBridge.ConnectAsync(url, options, cancellationToken));
    }

    /// <summary>Adds a bridge over any engine.</summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="connect">Connects to the engine, and makes the bridge, which belongs to the host from then on. Where it throws <see cref="IOException"/>, it is called again after a second; any other exception ends the service, and the host.</param>
    /// <returns><paramref name="services"/>.</returns>
    /// <example>
    /// <code><![CDATA[
    /// void Configure(Microsoft.Extensions.DependencyInjection.IServiceCollection services) => services.AddChannelBridge(async (_, cancellationToken) =>
    /// {
    ///     await Task.Yield();
    ///     return new ChannelBridge(new InMemoryBridgeHub().Connect(), new() { Export = ["camera.*"] });
    /// });
    /// ]]></code>
    /// </example>
    public static IServiceCollection AddChannelBridge(this IServiceCollection services, Func<IServiceProvider, CancellationToken, Task<ChannelBridge>> connect)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(connect);
        return services.AddSingleton<IHostedService>(provider => new BridgeService(
            cancellationToken => connect(provider, cancellationToken),
            (ILogger?)provider.GetService<ILogger<ChannelBridge>>() ?? NullLogger.Instance));
    }
}
