namespace Posix.SharedMemory.AspNetCore;

/// <summary>Connects an <see cref="HttpClient"/> to a server that listens through shared memory, by whatever is built on it: REST, gRPC, SignalR.</summary>
/// <example>
/// <code><![CDATA[
/// using var client = new HttpClient(SharedMemoryHttp.CreateHandler("/run/greeter/http.sock"));
/// Console.WriteLine(await client.GetStringAsync("http://localhost/frames/7"));
/// ]]></code>
/// </example>
public static class SharedMemoryHttp
{
    /// <summary>Creates a handler all of whose connections lead to one server, whatever host a request names.</summary>
    /// <param name="path">The server's path.</param>
    /// <param name="endpoint">How this side's ends are opened: the label that tools show.</param>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <remarks>
    /// It uses no proxy. A server that is not there, or ends while a request is under way, is <see cref="HttpRequestException"/> with the reason in it; gRPC calls it Unavailable.
    /// Requests have the scheme <c>http</c>: what passes through shared memory is seen by the two processes only.
    /// </remarks>
    public static SocketsHttpHandler CreateHandler(string path, EndpointOptions? endpoint = null) => new() { ConnectCallback = ConnectCallback(path, endpoint), UseProxy = false };

    /// <summary>Returns what <see cref="SocketsHttpHandler.ConnectCallback"/> takes, for a handler with settings of its own.</summary>
    /// <inheritdoc cref="CreateHandler" path="/param|/exception"/>
    /// <example>
    /// <code><![CDATA[
    /// using var handler = new SocketsHttpHandler { ConnectCallback = SharedMemoryHttp.ConnectCallback("/run/greeter/http.sock"), UseProxy = false, MaxConnectionsPerServer = 4 };
    /// ]]></code>
    /// </example>
    public static Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> ConnectCallback(string path, EndpointOptions? endpoint = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var ends = endpoint ?? new EndpointOptions();
        return async (_, cancellationToken) => (await MessageConnection.ConnectAsync(path, ends, cancellationToken).ConfigureAwait(false)).AsStream();
    }
}
