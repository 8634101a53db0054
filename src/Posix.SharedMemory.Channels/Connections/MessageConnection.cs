using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>Two processes that send each other messages through shared memory, and objects beside them. The memory has no name: it is handed over a socket, which stays open.</summary>
/// <remarks>
/// <para>
/// The peer need not be trusted: memory that it hands over must be sealed, so that it cannot be cut, everything that it stores is checked, and what comes over the socket that does not
/// belong there ends the connection with <see cref="ChannelCorruptException"/>. What it can do is to send nothing, or messages that mean something else than expected.
/// </para>
/// <para>
/// A peer that has ended is noticed by its locks, about a tenth of a millisecond after its death, and by the end of the socket. Everything that it had committed is delivered
/// first; then waits end with <see cref="PeerDiedException"/> or <see cref="PeerLeftException"/>. Nobody takes its place: a connection ends with the first of its two processes.
/// </para>
/// <para>
/// <see cref="Output"/> and <see cref="Input"/> are each for one thread at a time, and independent of each other. To say that nothing more comes, call
/// <see cref="MessageWriter.Complete"/>; <see cref="Dispose"/> alone leaves without it.
/// </para>
/// </remarks>
/// <example>
/// <code><![CDATA[
/// await using var listener = new MessageListener("/run/user/1000/prices.sock");
/// var connecting = MessageConnection.ConnectAsync("/run/user/1000/prices.sock");      // In another process, usually.
/// await using var server = await listener.AcceptAsync();
/// await using var client = await connecting;
/// await client.Output.WriteAsync("EURUSD"u8.ToArray());
/// if (await server.Input.WaitToReadAsync() && server.Input.TryRead(out var request))
/// {
///     using (request)
///     {
///         server.Output.Write(request.Span);
///     }
/// }
/// ]]></code>
/// </example>
public sealed partial class MessageConnection : IDisposable, IAsyncDisposable
{
    private const MemorySeals Required = MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Seal;

    private readonly ChannelMemory _memory;
    private readonly ConnectionSocket _socket;
    private readonly ReceivedObjects _objects = new();
    private int _isDisposed;

    private MessageConnection(ChannelMemory memory, Socket connected, RingWriter output, RingReader input)
    {
        Peer = connected.GetPeerCredentials();
        _memory = memory;
        _socket = new(connected);
        input.Objects = _objects;
        input.Endpoint.Doorbell = output.Endpoint.Doorbell = _socket.Ring;
        Output = new(output);
        Input = new(input);
        ChannelMeter.Add(memory);
    }

    /// <summary>Gets what this process sends by.</summary>
    public MessageWriter Output { get; }

    /// <summary>Gets what this process receives by.</summary>
    public MessageReader Input { get; }

    /// <summary>Gets the process, user and group at the other end of the socket, as the kernel recorded them when it was connected. Of a pair: this process.</summary>
    public PeerCredentials Peer { get; }

    /// <summary>Gets the object that both rings are in. Disposed with the connection.</summary>
    public SharedMemoryObject Memory => _memory.Memory;

    /// <summary>Creates a connection to a child that is yet to be started.</summary>
    /// <param name="o">Capacity, alignment and meaning of the messages.</param>
    /// <returns>
    /// This process's side; and the socket for the child: start it with <c>HandleInheritance.Start(info, theirs.SafeHandle)</c>, and dispose the socket here afterwards. The child
    /// calls <see cref="ReceiveAsync(Socket, CancellationToken)"/>.
    /// </returns>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOMEM"/>: there is not enough memory. <see cref="Errno.EMFILE"/>: this process has too many descriptors.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man7/unix.7.html">unix(7)</see></remarks>
    public static (MessageConnection mine, Socket theirs) CreatePair(MessageConnectionOptions? o = null)
    {
        var options = MessageConnectionOptions.Check(o);
        var (mine, theirs) = SocketFactory.CreatePair();
        try
        {
            var accepting = AcceptAsync(mine, options).AsTask();
            // The socket is new, and takes 16 bytes at once.
            return (accepting.GetAwaiter().GetResult(), theirs);
        }
        catch
        {
            mine.Dispose();
            theirs.Dispose();
            throw;
        }
    }

    /// <summary>Connects to a <see cref="MessageListener"/>, or to any process that listens on a stream socket and hands over a connection.</summary>
    /// <param name="path">The listener's path: at most 107 bytes.</param>
    /// <param name="ct">Ends the wait, also for a listener that accepts and then sends nothing.</param>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: nothing has the path. <see cref="Errno.ECONNREFUSED"/>: nobody listens there. <see cref="Errno.EACCES"/>: this user may not connect.</exception>
    /// <exception cref="InvalidDataException">What was handed over is not a connection, not sealed, or of huge pages, which can be discarded although it is sealed; the message says which.</exception>
    /// <exception cref="PeerLeftException">The listener has closed before it handed over a connection.</exception>
    /// <exception cref="ChannelCorruptException">The memory that was handed over contradicts itself.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <remarks>It completes when the listener has accepted. While the listener's queue is full, it tries again. <see href="https://man7.org/linux/man-pages/man2/connect.2.html">connect(2)</see></remarks>
    [OverloadResolutionPriority(1)]     // A plain "default" is the token.
    public static ValueTask<MessageConnection> ConnectAsync(string path, CancellationToken ct = default) => ConnectAsync(path, EndpointOptions.Default, ct);

    /// <inheritdoc cref="ConnectAsync(string, CancellationToken)"/>
    /// <param name="path">The listener's path: at most 107 bytes.</param>
    /// <param name="endpoint">How this side's ends are opened.</param>
    /// <param name="ct">Ends the wait, also for a listener that accepts and then sends nothing.</param>
    /// <example>
    /// <code><![CDATA[
    /// await using var connection = await MessageConnection.ConnectAsync("/run/user/1000/prices.sock", new EndpointOptions { Label = "display" });
    /// ]]></code>
    /// </example>
    public static async ValueTask<MessageConnection> ConnectAsync(string path, EndpointOptions endpoint, CancellationToken ct = default)
    {
        var ends = MessageConnectionOptions.CheckEndpoint(endpoint);
        var socket = await SocketFactory.ConnectAsync(path, ct).ConfigureAwait(false);
        try
        {
            return await ReceiveAsync(socket, ends, ct).ConfigureAwait(false);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Creates a connection, and hands it over a socket.</summary>
    /// <param name="connected">A connected stream socket of <see cref="AddressFamily.Unix"/>. It belongs to the connection from then on; if this throws, it stays the caller's.</param>
    /// <param name="o">Capacity, alignment and meaning of the messages.</param>
    /// <param name="ct">Ends the wait for room in the socket.</param>
    /// <returns>The connection. The peer may not have received it yet: what is written waits for it.</returns>
    /// <exception cref="ArgumentException">Another kind of socket, or an option is out of its range.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EPIPE"/>: the peer has closed. <see cref="Errno.ENOMEM"/>: there is not enough memory. <see cref="Errno.ENOTCONN"/>: not connected.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async ValueTask<MessageConnection> AcceptAsync(Socket connected, MessageConnectionOptions? o = null, CancellationToken ct = default)
    {
        ConnectionSocket.Require(connected);
        var options = MessageConnectionOptions.Check(o);
        ct.ThrowIfCancellationRequested();
        var connection = Open(ChannelMemory.CreateAnonymous(options.ToHeader()), connected, direction: 0, options.Endpoint);
        try
        {
            await connected.SendObjectAsync(connection.Memory, ct).ConfigureAwait(false);
        }
        catch
        {
            connection.Abandon();
            throw;
        }

        connection.Start();
        return connection;
    }

    /// <summary>Receives a connection that the peer hands over a socket, by <see cref="AcceptAsync"/> or <see cref="CreatePair"/>.</summary>
    /// <param name="connected">A connected stream socket of <see cref="AddressFamily.Unix"/>. It belongs to the connection from then on; if this throws, it stays the caller's.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="ArgumentException">Another kind of socket.</exception>
    /// <exception cref="InvalidDataException">What was handed over is not a connection, not sealed against a change of its length, or of huge pages, which can be discarded all the same; the message says which.</exception>
    /// <exception cref="PeerLeftException">The peer has closed before it handed over a connection.</exception>
    /// <exception cref="ChannelCorruptException">The memory that was handed over contradicts itself.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBUSY"/>: the peer has opened this side's ends itself. <see cref="Errno.ENOTCONN"/>: not connected.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    [OverloadResolutionPriority(1)]     // As for ConnectAsync.
    public static ValueTask<MessageConnection> ReceiveAsync(Socket connected, CancellationToken ct = default) => ReceiveAsync(connected, EndpointOptions.Default, ct);

    /// <inheritdoc cref="ReceiveAsync(Socket, CancellationToken)"/>
    /// <param name="connected">A connected stream socket of <see cref="AddressFamily.Unix"/>. It belongs to the connection from then on; if this throws, it stays the caller's.</param>
    /// <param name="endpoint">How this side's ends are opened.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <example>
    /// <code><![CDATA[
    /// var (mine, theirs) = MessageConnection.CreatePair();
    /// await using var parent = mine;
    /// await using var child = await MessageConnection.ReceiveAsync(theirs, new EndpointOptions { Label = "worker" });     // In another process, usually.
    /// ]]></code>
    /// </example>
    public static async ValueTask<MessageConnection> ReceiveAsync(Socket connected, EndpointOptions endpoint, CancellationToken ct = default)
    {
        ConnectionSocket.Require(connected);
        var ends = MessageConnectionOptions.CheckEndpoint(endpoint);
        SharedMemoryObject memory;
        try
        {
            memory = await connected.ReceiveObjectAsync(Required, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is EndOfStreamException or SharedMemoryException { Errno: Errno.ECONNRESET })
        {
            throw new PeerLeftException("The process at the other end of the socket has closed it before it handed over a connection.", e);
        }

        ChannelMemory channel;
        try
        {
            channel = ChannelMemory.From(memory, ChannelLayout.ConnectionKind);
        }
        catch
        {
            memory.DisposeKeepingLocks();
            throw;
        }

        if (!channel.IsWritable || !channel.Mapping.IsStable)
        {
            var isReadOnly = !channel.IsWritable;
            channel.Release();
            throw new InvalidDataException(isReadOnly
                ? "The connection that was received is open for reading only."
                : "The connection that was received consists of huge pages: a peer can discard them although the object is sealed, and the machine may have no others, which would end this process.");
        }

        var connection = Open(channel, connected, direction: 1, ends);
        connection.Start();
        return connection;
    }

    /// <summary>Returns what can be seen of the connection now.</summary>
    /// <exception cref="ObjectDisposedException">The connection was disposed.</exception>
    public ChannelStatus GetStatus()
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        return ChannelStatus.Of(_memory);
    }

    /// <summary>Closes both ends and the socket. What was written can still be read by the peer. Further calls have no effect.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            CloseEnds();
            _socket.Dispose();
        }
    }

    /// <inheritdoc cref="Dispose"/>
    /// <example>
    /// <code><![CDATA[
    /// var connection = await MessageConnection.ConnectAsync("/run/user/1000/prices.sock");
    /// connection.Output.Complete();
    /// await connection.DisposeAsync();
    /// ]]></code>
    /// </example>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }

    /// <param name="memory">It belongs to the connection; if this throws, it has been released.</param>
    /// <param name="connected">The socket.</param>
    /// <param name="direction">The ring that this side writes to: 0 for the creator.</param>
    /// <param name="options">Of both ends.</param>
    private static MessageConnection Open(ChannelMemory memory, Socket connected, int direction, EndpointOptions options)
    {
        RingWriter? output = null;
        RingReader? input = null;
        try
        {
            output = RingWriter.Open(memory, options, direction);
            input = RingReader.Open(memory, options, 1 - direction);
            return new(memory, connected, output, input);
        }
        catch
        {
            input?.Dispose();
            output?.Dispose();
            memory.Release();
            throw;
        }
    }

    private void Start() => _ = _socket.Start(Lose);

    private void Lose(ChannelCorruptException? failure)
    {
        Output.Ring.Endpoint.Lose(failure);
        Input.Ring.Endpoint.Lose(failure);
        _isSocketOver = true;
        _calls?.OnSocketEnd();
    }

    /// <summary>Closes all but the socket.</summary>
    private void Abandon()
    {
        _isDisposed = 1;
        CloseEnds();
    }

    private void CloseEnds()
    {
        Output.Dispose();
        Input.Dispose();
        ChannelMeter.Remove(_memory);
        _memory.Release();
    }
}
