using System.Net.Sockets;

namespace Posix.SharedMemory.Channels;

/// <summary>Listens at a path for processes that want a <see cref="MessageConnection"/>, and gives each of them one.</summary>
/// <remarks>
/// <para>
/// A client that connects and then does nothing holds up nobody: the connection is created and sent by this side, and <see cref="AcceptAsync"/> waits for no answer. Each connection takes memory
/// for two rings, so a service that any user may connect to decides by <see cref="MessageConnection.Peer"/> how many it keeps.
/// </para>
/// <para>
/// The file at the path is a socket that appears with its permissions, ready to be connected to. One that a dead listener has left is replaced. Listeners that start at
/// the same path at the same time wait for each other, by a file <c>.shm-&lt;name&gt;.lock</c> beside it, which is there for an instant. Other programs do not know it: one that binds at the path meanwhile may
/// lose its file.
/// </para>
/// </remarks>
/// <example>
/// <code><![CDATA[
/// await using var listener = new MessageListener("/run/user/1000/prices.sock");
/// while (true)
/// {
///     var client = await listener.AcceptAsync();
///     _ = Task.Run(async () =>
///     {
///         await using (client)
///         {
///             await foreach (var request in client.Input.ReadAllAsync())
///             {
///                 await client.Output.WriteAsync(request);
///             }
///         }
///     });
/// }
/// ]]></code>
/// </example>
public sealed class MessageListener : IAsyncDisposable, IDisposable
{
    /// <summary>How many clients may wait to be accepted; the kernel lowers it to <c>net.core.somaxconn</c>.</summary>
    private const int Backlog = 4096;

    private readonly Socket _socket;
    private readonly ListeningPath _path;
    private readonly MessageConnectionOptions _options;
    private int _isDisposed;

    /// <summary>Begins to listen.</summary>
    /// <param name="path">Where the socket appears: a directory of this system's, and at most 107 bytes with a name of 13 in the place of its last part.</param>
    /// <param name="o">Capacity, alignment and meaning of the messages of all connections.</param>
    /// <param name="mode">Who may connect: those who may write. Only this user by default.</param>
    /// <exception cref="ArgumentException">The path is empty or too long, the mode has other bits than permissions, or an option is out of its range.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EADDRINUSE"/>: a living process listens there, or the file is not a socket, or this user may not open it, or not connect to it. <see cref="Errno.ENOENT"/>: the directory does not exist.
    /// <see cref="Errno.EACCES"/>: this user may not create files there, or not remove what a dead listener has left.
    /// </exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man7/unix.7.html">unix(7)</see></remarks>
    public MessageListener(string path, MessageConnectionOptions? o = null, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        _options = MessageConnectionOptions.Check(o);
        (_socket, _path) = ListeningPath.Listen(path, mode, Backlog);
    }

    /// <summary>Waits for the next client, and gives it a connection.</summary>
    /// <param name="ct">Ends the wait; no client is lost.</param>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EMFILE"/>, <see cref="Errno.ENFILE"/>, <see cref="Errno.ENOMEM"/>: this process has no descriptor or memory left for a client, who sees the end.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <remarks>
    /// Clients that have left before it was their turn are passed over; so are those to which no descriptor can be sent, because others have not received theirs (<see cref="Errno.ETOOMANYREFS"/>): they see the end.
    /// <see href="https://man7.org/linux/man-pages/man2/accept.2.html">accept(2)</see>
    /// </remarks>
    public async ValueTask<MessageConnection> AcceptAsync(CancellationToken ct = default)
    {
        while (true)
        {
            ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
            var client = await AcceptSocketAsync(ct).ConfigureAwait(false);
            try
            {
                // Without the token: a client that was accepted is not lost. The new socket takes the 16 bytes at once.
                return await MessageConnection.AcceptAsync(client, _options, CancellationToken.None).ConfigureAwait(false);
            }
            catch (SharedMemoryException e) when (e.Errno is Errno.EPIPE or Errno.ECONNRESET or Errno.ENOTCONN or Errno.ETOOMANYREFS)
            {
                // The client has gone, or others have not received too many descriptors: it sees the end. The next one.
                client.Dispose();
            }
            catch
            {
                client.Dispose();
                throw;
            }
        }
    }

    /// <summary>Stops listening, and removes the socket's file if it is still this listener's. Connections go on. Further calls have no effect.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            // First the file: a client that comes now finds nobody, instead of a socket that is about to end.
            _path.Remove();
            _socket.Dispose();
        }
    }

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }

    private async ValueTask<Socket> AcceptSocketAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _socket.AcceptAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException e) when (_isDisposed != 0)
        {
            throw new ObjectDisposedException(nameof(MessageListener), e);
        }
        catch (SocketException e)
        {
            throw SocketFactory.Translate(e, "accept", _path.Name);
        }
    }
}
