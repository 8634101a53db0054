using NATS.Client.Core;

namespace Posix.SharedMemory.Bridge.Nats;

/// <summary>Makes bridges over NATS.</summary>
/// <example>
/// <code><![CDATA[
/// await using var bridge = await NatsBridge.ConnectAsync("nats://hub:4222", new() { Export = ["camera.*"], Import = ["plan.*"] });
/// bridge.Lost += loss => Console.WriteLine($"lost {loss.Channel} {loss.First}..{loss.Last} at {loss.Where}");
/// using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(1));
/// await bridge.RunAsync(stop.Token);
/// ]]></code>
/// </example>
public static class NatsBridge
{
    /// <summary>Connects to a server, and makes a bridge that is started by <see cref="ChannelBridge.RunAsync"/>. A connection that is lost later is made again, however long that takes.</summary>
    /// <param name="url">Where the server is, such as <c>nats://hub:4222</c>; several are separated by commas.</param>
    /// <param name="options">What the bridge carries, and how.</param>
    /// <param name="cancellationToken">Ends the wait for the server.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or <paramref name="url"/> is not the address of a server. Nothing was connected to.</exception>
    /// <exception cref="IOException">The server cannot be reached, or refuses the connection.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<ChannelBridge> ConnectAsync(string url, BridgeOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(url);
        return ConnectAsync(new NatsOpts { Url = url }, options, cancellationToken);
    }

    /// <summary>As <see cref="ConnectAsync(string, BridgeOptions, CancellationToken)"/>, with TLS, credentials and everything else that the client takes.</summary>
    /// <param name="connection">As the client takes it. What a bridge depends on is set by it: no echo, and reconnection without end.</param>
    /// <param name="options">What the bridge carries, and how.</param>
    /// <param name="cancellationToken">Ends the wait for the server.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or the URL is not the address of a server. Nothing was connected to.</exception>
    /// <exception cref="IOException">The server cannot be reached, or refuses the connection.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task<ChannelBridge> ConnectAsync(NatsOpts connection, BridgeOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var backend = await NatsBackend.ConnectAsync(connection, cancellationToken).ConfigureAwait(false);
        try
        {
            return new(backend, options);
        }
        catch
        {
            await backend.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
