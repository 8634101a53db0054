namespace Posix.SharedMemory.Channels;

/// <summary>A call of the peer, to be answered once: by <see cref="TryReply"/>, <see cref="ReplyAsync"/> or <see cref="Fail"/>. Any thread may do it.</summary>
/// <remarks>
/// All members but <see cref="Dispose"/> throw <see cref="ObjectDisposedException"/> once the call was answered, when its memory belongs to another call; and answers throw
/// <see cref="PeerDiedException"/> or <see cref="PeerLeftException"/> once the end of the caller was noticed.
/// </remarks>
/// <example>
/// <code><![CDATA[
/// await using var listener = new MessageListener("/run/user/1000/prices.sock");
/// await using var calls = (await listener.AcceptAsync()).AsCalls();
/// while (await calls.WaitToReceiveAsync())
/// {
///     while (calls.TryReceive(out var call))
///     {
///         using (call)                                            // One that is not answered fails.
///         {
///             if (call.IsCancelled || call.TimeLeft == TimeSpan.Zero)
///             {
///                 continue;                                       // Nobody waits for it any more.
///             }
///
///             if (call.Type == 1)
///             {
///                 await call.ReplyAsync(call.Request, call.CancellationToken);
///             }
///             else if (call.Type == 2 && !call.TryReply("short"u8))
///             {
///                 call.Fail(11, "busy");
///             }
///         }
///     }
/// }
/// ]]></code>
/// </example>
public readonly struct IncomingCall : IDisposable, IEquatable<IncomingCall>
{
    private readonly ReceivedCall? _call;
    private readonly int _generation;

    internal IncomingCall(ReceivedCall call, int generation) => (_call, _generation) = (call, generation);

    /// <summary>Gets the request: a copy, which is valid until the call is answered.</summary>
    public ReadOnlyMemory<byte> Request => Call.RequestOf(_generation);

    /// <summary>Gets the type that the caller gave it.</summary>
    public ushort Type => Call.TypeOf(_generation);

    /// <summary>Gets how long the caller still waits, from when the call was received; <see cref="Timeout.InfiniteTimeSpan"/>: until it is answered or cancelled.</summary>
    public TimeSpan TimeLeft => Call.TimeLeftOf(_generation);

    /// <summary>Gets whether the caller has given the call up, its time is up, or the caller has ended. The answer is dropped then.</summary>
    public bool IsCancelled => Call.IsCancelledIn(_generation);

    /// <summary>Gets a token that is cancelled when <see cref="IsCancelled"/> becomes true. The first use allocates it.</summary>
    public CancellationToken CancellationToken => Call.TokenOf(_generation);

    private ReceivedCall Call => _call ?? throw new InvalidOperationException("This is not a call that was received.");

    /// <summary>Whether two values are the same call.</summary>
    public static bool operator ==(IncomingCall left, IncomingCall right) => left.Equals(right);

    /// <summary>Whether two values are different calls.</summary>
    public static bool operator !=(IncomingCall left, IncomingCall right) => !left.Equals(right);

    /// <summary>Answers the call, if there is room for the reply in the ring.</summary>
    /// <param name="reply">Up to <see cref="MessageCalls.MaxLength"/> bytes.</param>
    /// <returns>False: there is no room now, and the call is still to be answered.</returns>
    /// <exception cref="ArgumentException">The reply is too long.</exception>
    /// <exception cref="InvalidOperationException">The call is being answered already.</exception>
    public bool TryReply(ReadOnlySpan<byte> reply) => Call.TryReply(_generation, reply);

    /// <summary>Answers the call, waiting for room in the ring if there is none. No thread waits.</summary>
    /// <param name="reply">Up to <see cref="MessageCalls.MaxLength"/> bytes, which must stay unchanged until the task has completed.</param>
    /// <param name="cancellationToken">Ends the wait; the call is still to be answered then.</param>
    /// <exception cref="ArgumentException">The reply is too long.</exception>
    /// <exception cref="InvalidOperationException">The call is being answered already.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask ReplyAsync(ReadOnlyMemory<byte> reply, CancellationToken cancellationToken = default) => Call.ReplyAsync(_generation, reply, cancellationToken);

    /// <summary>Answers that the call failed: at the caller it is a <see cref="CallFailedException"/>. It does not wait; where there is no room, the answer follows.</summary>
    /// <param name="error">A number for <see cref="ChannelException.Error"/>.</param>
    /// <param name="message">For people: up to 1,024 bytes of UTF-8, what is longer is cut.</param>
    /// <exception cref="InvalidOperationException">The call is being answered already.</exception>
    public void Fail(int error, string message = "") => Call.Fail(_generation, error, message);

    /// <summary>Answers a call that nobody has answered: it fails with −1. Otherwise it has no effect, also on copies.</summary>
    public void Dispose() => _call?.Close(_generation);

    /// <inheritdoc/>
    public bool Equals(IncomingCall other) => _call == other._call && _generation == other._generation;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is IncomingCall other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_call, _generation);
}
