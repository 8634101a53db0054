namespace Posix.SharedMemory.Channels;

/// <summary>Calls over a <see cref="MessageConnection"/>: requests that are answered, in any order, by either side. Any thread may call, receive and answer.</summary>
/// <remarks>
/// <para>
/// Both sides use it, and from then on neither <see cref="MessageConnection.Output"/> nor <see cref="MessageConnection.Input"/>. At most 256 calls of each direction are under way, and not more bytes of
/// requests than a ring has; a further call waits. So a peer that does not answer, or sends calls without an end, has a bound, and one that does not keep to it ends the connection with
/// <see cref="ChannelCorruptException"/>.
/// </para>
/// <para>
/// When the peer dies, leaves or is found corrupt, all calls that are under way, and each later one, end with <see cref="PeerDiedException"/>, <see cref="PeerLeftException"/> or
/// <see cref="ChannelCorruptException"/>. Whether the peer has carried out a call that was not answered is not known.
/// </para>
/// <para>
/// What goes on after an <see langword="await"/> runs where the answer was read, on the thread pool. Nothing of the connection waits for it.
/// </para>
/// </remarks>
/// <example>
/// <code><![CDATA[
/// await using var listener = new MessageListener("/run/user/1000/prices.sock");
/// var connecting = MessageConnection.ConnectAsync("/run/user/1000/prices.sock");      // In another process, usually.
/// await using var server = (await listener.AcceptAsync()).AsCalls();
/// await using var client = (await connecting).AsCalls();
/// var serving = server.ServeAsync(async call => await call.ReplyAsync(call.Request));
/// using (var reply = await client.CallAsync("EURUSD"u8.ToArray(), TimeSpan.FromSeconds(1)))
/// {
///     Console.WriteLine(reply.Span.Length);
/// }
///
/// using (var reply = client.Call("USDJPY"u8, timeout: TimeSpan.FromSeconds(1)))       // Blocks, and is the fastest where both sides do.
/// {
///     Console.WriteLine(reply.Memory.Length);
/// }
///
/// client.Dispose();
/// await serving;                                                                      // Ends with the client's calls.
/// ]]></code>
/// </example>
public sealed class MessageCalls : IDisposable, IAsyncDisposable
{
    private readonly CallSession _session;
    private int _isDisposed;

    internal MessageCalls(MessageConnection connection)
    {
        Connection = connection;
        _session = new(connection.Output.Ring, connection.Input.Ring);
    }

    /// <summary>Gets the connection, which is disposed with this.</summary>
    public MessageConnection Connection { get; }

    /// <summary>Gets the longest request or reply, in bytes: 16 less than the longest message.</summary>
    public int MaxLength => _session.MaxLength;

    /// <summary>Calls the peer. No thread waits.</summary>
    /// <param name="request">Up to <see cref="MaxLength"/> bytes, which must stay unchanged until the task has completed.</param>
    /// <param name="type">Any number below 0xFF00, which the peer gets with the request.</param>
    /// <param name="cancellationToken">Gives the call up: the peer learns it, and drops it if it has not begun.</param>
    /// <returns>The reply, to be disposed.</returns>
    /// <exception cref="ArgumentException">The request is longer than <see cref="MaxLength"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The type is reserved: 0xFF00 or more.</exception>
    /// <exception cref="CallFailedException">The peer has answered with an error.</exception>
    /// <exception cref="PeerDiedException">The peer's process died.</exception>
    /// <exception cref="PeerLeftException">The peer has left.</exception>
    /// <exception cref="ChannelCorruptException">The peer sent what no correct peer sends.</exception>
    /// <exception cref="ChannelException">The peer has completed its output.</exception>
    /// <exception cref="ObjectDisposedException">This side was disposed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask<CallReply> CallAsync(ReadOnlyMemory<byte> request, ushort type = 0, CancellationToken cancellationToken = default) =>
        _session.CallAsync(request, type, Timeout.InfiniteTimeSpan, cancellationToken);

    /// <inheritdoc cref="CallAsync(ReadOnlyMemory{byte}, ushort, CancellationToken)"/>
    /// <param name="request">Up to <see cref="MaxLength"/> bytes, which must stay unchanged until the task has completed.</param>
    /// <param name="timeout">How long the reply is waited for; the peer learns it too. Counted in milliseconds, rounded up.</param>
    /// <param name="type">Any number below 0xFF00, which the peer gets with the request.</param>
    /// <param name="cancellationToken">Gives the call up: the peer learns it, and drops it if it has not begun.</param>
    /// <exception cref="TimeoutException">The time is up; the call was given up.</exception>
    public ValueTask<CallReply> CallAsync(ReadOnlyMemory<byte> request, TimeSpan timeout, ushort type = 0, CancellationToken cancellationToken = default) =>
        _session.CallAsync(request, type, timeout, cancellationToken);

    /// <summary>Calls the peer, and blocks until it has answered. It looks for the answer for <see cref="EndpointOptions.SpinBudget"/> before the thread sleeps.</summary>
    /// <param name="request">Up to <see cref="MaxLength"/> bytes.</param>
    /// <param name="type">Any number below 0xFF00, which the peer gets with the request.</param>
    /// <param name="timeout"><see langword="null"/>: as long as it takes.</param>
    /// <returns>The reply, to be disposed.</returns>
    /// <inheritdoc cref="CallAsync(ReadOnlyMemory{byte}, TimeSpan, ushort, CancellationToken)"/>
    public CallReply Call(ReadOnlySpan<byte> request, ushort type = 0, TimeSpan? timeout = null) => _session.Call(request, type, timeout ?? Timeout.InfiniteTimeSpan);

    /// <summary>Waits until there is a call of the peer. No thread waits. One such wait at a time.</summary>
    /// <returns>False: the peer has completed its output, and sends no more calls.</returns>
    /// <exception cref="InvalidOperationException">Another wait has not ended yet.</exception>
    /// <exception cref="PeerDiedException">The peer's process died. Calls that it had sent and nobody has received were dropped.</exception>
    /// <exception cref="PeerLeftException">The peer has left. As above.</exception>
    /// <exception cref="ChannelCorruptException">The peer sent what no correct peer sends.</exception>
    /// <exception cref="ObjectDisposedException">This side was disposed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; no call is lost.</exception>
    public ValueTask<bool> WaitToReceiveAsync(CancellationToken cancellationToken = default) => _session.WaitToReceiveAsync(cancellationToken);

    /// <summary>Blocks until there is a call of the peer. It looks for one for <see cref="EndpointOptions.SpinBudget"/> before the thread sleeps.</summary>
    /// <param name="timeout">Not negative, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <returns>False: the time is up; or the peer has completed its output, and sends no more calls.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
    /// <exception cref="PeerDiedException">As <see cref="WaitToReceiveAsync"/>.</exception>
    /// <exception cref="PeerLeftException">As <see cref="WaitToReceiveAsync"/>.</exception>
    /// <exception cref="ChannelCorruptException">As <see cref="WaitToReceiveAsync"/>.</exception>
    /// <example>
    /// <code><![CDATA[
    /// await using var calls = (await MessageConnection.ConnectAsync("/run/user/1000/prices.sock")).AsCalls();
    /// while (calls.WaitToReceive(Timeout.InfiniteTimeSpan) && calls.TryReceive(out var call))
    /// {
    ///     using (call)
    ///     {
    ///         call.TryReply(call.Request.Span);
    ///     }
    /// }
    /// ]]></code>
    /// </example>
    public bool WaitToReceive(TimeSpan timeout) => _session.WaitToReceive(timeout);

    /// <summary>Takes the next call of the peer, if there is one.</summary>
    /// <param name="call">To be answered, and disposed.</param>
    /// <returns>False: there is none now. That the peer has ended only a wait says.</returns>
    /// <exception cref="ChannelCorruptException">The peer sent what no correct peer sends.</exception>
    /// <exception cref="ObjectDisposedException">This side was disposed.</exception>
    public bool TryReceive(out IncomingCall call) => _session.TryReceive(out call);

    /// <summary>Answers calls of the peer until it has completed its output.</summary>
    /// <param name="handler">
    /// Called for each call, one after the other; what comes after its first <see langword="await"/> runs at the same time as others. What it does not answer fails with −1, what it throws is the caller's:
    /// a <see cref="CallFailedException"/> with its number and message, anything else with −1 and no more.
    /// </param>
    /// <param name="cancellationToken">Ends serving.</param>
    /// <returns>A task that ends with serving, once all handlers have ended.</returns>
    /// <exception cref="AggregateException">Serving has ended, and a handler threw something else than a <see cref="CallFailedException"/>: the first of these.</exception>
    /// <exception cref="PeerDiedException">The peer's process died.</exception>
    /// <exception cref="PeerLeftException">The peer has left.</exception>
    /// <exception cref="ChannelCorruptException">The peer sent what no correct peer sends.</exception>
    /// <exception cref="ObjectDisposedException">This side was disposed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task ServeAsync(Func<IncomingCall, ValueTask> handler, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return new CallServing(_session, handler).RunAsync(cancellationToken);
    }

    /// <summary>The socket has ended, and the peer with it.</summary>
    internal void OnSocketEnd()
    {
        lock (_session.Gate)
        {
            _session.Served.OnEnd(ofSocket: true);
        }
    }

    /// <summary>Completes this side's output, and closes the connection. Calls that are under way end with <see cref="ObjectDisposedException"/>. Further calls have no effect.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _session.Dispose(nameof(MessageCalls));
            Connection.CompleteAndDispose();
        }
    }

    /// <inheritdoc cref="Dispose"/>
    /// <example>
    /// <code><![CDATA[
    /// var calls = (await MessageConnection.ConnectAsync("/run/user/1000/prices.sock")).AsCalls();
    /// await calls.DisposeAsync();
    /// ]]></code>
    /// </example>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }
}
