namespace Posix.SharedMemory.Channels;

/// <summary>The reply to a call: a copy, in memory of this process that is used again once the reply is disposed.</summary>
public readonly struct CallReply : IDisposable, IEquatable<CallReply>
{
    private readonly PendingCall? _call;
    private readonly int _generation;

    internal CallReply(PendingCall call, int generation) => (_call, _generation) = (call, generation);

    /// <summary>Gets the bytes, until <see cref="Dispose"/>.</summary>
    /// <exception cref="ObjectDisposedException">The reply was disposed.</exception>
    public ReadOnlyMemory<byte> Memory => _call is { } call ? call.ReplyOf(_generation) : default;

    /// <inheritdoc cref="Memory"/>
    public ReadOnlySpan<byte> Span => Memory.Span;

    /// <summary>Whether two values are the same reply.</summary>
    public static bool operator ==(CallReply left, CallReply right) => left.Equals(right);

    /// <summary>Whether two values are different replies.</summary>
    public static bool operator !=(CallReply left, CallReply right) => !left.Equals(right);

    /// <summary>Gives the memory back. Further calls, also on copies, have no effect. A reply that is not disposed is the garbage collector's.</summary>
    public void Dispose() => _call?.Release(_generation);

    /// <inheritdoc/>
    public bool Equals(CallReply other) => _call == other._call && _generation == other._generation;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is CallReply other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_call, _generation);
}
