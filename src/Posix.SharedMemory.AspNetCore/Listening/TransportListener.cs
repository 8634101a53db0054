using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Posix.SharedMemory.AspNetCore;

/// <summary>Accepts clients at one path.</summary>
internal sealed partial class TransportListener(SharedMemoryEndPoint place, MessageListener listener, ILogger log) : IConnectionListener
{
    /// <summary>How long to wait where this process has no descriptor or memory left. Clients wait meanwhile.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    public EndPoint EndPoint => place;

    /// <returns><see langword="null"/>: the listener has ended.</returns>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            try
            {
                return new TransportConnection(await listener.AcceptAsync(cancellationToken).ConfigureAwait(false), place).Start();
            }
            catch (ObjectDisposedException)
            {
                return null;
            }
            catch (SharedMemoryException e)
            {
                // An exception would end the server's loop for good.
                LogRefused(log, place.Path, e.Message);
            }

            await Task.Delay(s_pause, cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => listener.DisposeAsync();

    public ValueTask DisposeAsync() => listener.DisposeAsync();

    [LoggerMessage(Level = LogLevel.Warning, Message = "No connection can be given to a client of '{Path}' now: {Reason}")]
    private static partial void LogRefused(ILogger log, string path, string reason);
}
