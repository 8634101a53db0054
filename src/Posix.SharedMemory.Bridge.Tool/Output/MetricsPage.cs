using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Posix.SharedMemory.Bridge.Tool;

/// <summary>Serves <c>/metrics</c> in the text format of Prometheus, and <c>/health</c>, on loopback only.</summary>
internal sealed class MetricsPage : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly ChannelBridge _bridge;
    private readonly IBridgeBackend _backend;
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    /// <summary>Begins to serve.</summary>
    /// <exception cref="UsageException">The port cannot be used.</exception>
    internal MetricsPage(ChannelBridge bridge, IBridgeBackend backend, int port)
    {
        (_bridge, _backend) = (bridge, backend);
        try
        {
            _listener = new(IPAddress.Loopback, port);
            _listener.Start();
        }
        catch (Exception e) when (e is SocketException or ArgumentOutOfRangeException)
        {
            throw new UsageException($"--prometheus {port}: {e.Message}");
        }

        _serving = ServeAsync();
    }

    /// <summary>Gets the port, also where the system has chosen it.</summary>
    internal int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _serving.ConfigureAwait(false);
        _listener.Dispose();
        _stop.Dispose();
    }

    /// <summary>What the bridge has done, as Prometheus reads it.</summary>
    internal static string Describe(IEnumerable<BridgedChannel> channels, bool isConnected)
    {
        var all = channels.ToList();
        var page = new StringBuilder();
        page.Append("# TYPE shm_bridge_connected gauge\nshm_bridge_connected ").Append(isConnected ? 1 : 0).Append('\n');
        Add("messages", channel => channel.Messages);
        Add("bytes", channel => channel.Bytes);
        Head("lost");
        foreach (var channel in all)
        {
            Line("lost", channel, Place(LossPlace.LocalRing), channel.LostInLocalRing);
            Line("lost", channel, Place(LossPlace.Wire), channel.LostOnWire);
            Line("lost", channel, Place(LossPlace.RemoteRing), channel.LostInRemoteRing);
        }

        Add("refused", channel => channel.Refused);
        return page.ToString();

        void Add(string what, Func<BridgedChannel, long> value)
        {
            Head(what);
            foreach (var channel in all)
            {
                Line(what, channel, "", value(channel));
            }
        }

        void Head(string what) => page.Append(CultureInfo.InvariantCulture, $"# TYPE shm_bridge_{what}_total counter\n");

        void Line(string what, BridgedChannel channel, string label, long value) =>
            page.Append(CultureInfo.InvariantCulture, $"shm_bridge_{what}_total{{channel=\"{Escape(channel.Name)}\",direction=\"{(channel.Direction == BridgeDirection.Export ? "export" : "import")}\"{label}}} {value}\n");

        static string Place(LossPlace place) => $",place=\"{place}\"";
    }

    private static string Escape(string label) => label.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                using var client = await _listener.AcceptTcpClientAsync(_stop.Token).ConfigureAwait(false);
                await AnswerAsync(client).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (OperationCanceledException)
            {
                // The client says nothing: the next one is served.
            }
            catch (IOException)
            {
                // The client has gone.
            }
            catch (SocketException)
            {
                // It has gone before it was accepted.
            }
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(s_patience);
        var stream = client.GetStream();
        var request = new byte[4096];
        var length = 0;
        while (length < request.Length && request.AsSpan(0, length).IndexOf("\r\n\r\n"u8) < 0)
        {
            var count = await stream.ReadAsync(request.AsMemory(length), limit.Token).ConfigureAwait(false);
            if (count == 0)
            {
                return;
            }

            length += count;
        }

        var words = Encoding.ASCII.GetString(request, 0, length).Split([' ', '\r'], 3);
        var isConnected = _backend.IsConnected;
        var (status, body) = words is not ["GET", _, ..] ? ("405 Method Not Allowed", "")
            : words[1] == "/metrics" ? ("200 OK", Describe(_bridge.GetChannels(), isConnected))
            : words[1] == "/health" ? (isConnected ? "200 OK" : "503 Service Unavailable", isConnected ? "connected\n" : "not connected\n")
            : ("404 Not Found", "");
        var bytes = Encoding.UTF8.GetBytes(body);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {bytes.Length}\r\nConnection: close\r\n\r\n"), limit.Token).ConfigureAwait(false);
        await stream.WriteAsync(bytes, limit.Token).ConfigureAwait(false);
    }
}
