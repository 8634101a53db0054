using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Posix.SharedMemory.AspNetCore;

/// <summary>Listens where a <see cref="SharedMemoryEndPoint"/> says so; other places are for other transports.</summary>
internal sealed class ListenerFactory(ILoggerFactory logs) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly ILogger _log = logs.CreateLogger("Posix.SharedMemory.AspNetCore");

    public bool CanBind(EndPoint endpoint) => endpoint is SharedMemoryEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (endpoint is not SharedMemoryEndPoint place)
        {
            throw new NotSupportedException($"{endpoint} is not a {nameof(SharedMemoryEndPoint)}.");
        }

        try
        {
            return new(new TransportListener(place, new(place.Path, place.Connection, place.Mode), _log));
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.EADDRINUSE)
        {
            // The server has words of its own for it.
            throw new AddressInUseException(e.Message, e);
        }
    }
}
