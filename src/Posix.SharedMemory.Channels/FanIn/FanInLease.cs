using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory.Channels;

/// <summary>A message of a fan-in, read in place. Disposing it gives its room back to the writers.</summary>
/// <remarks>A copy of the lease ends with it: only the first <see cref="Dispose"/> has an effect.</remarks>
public readonly ref struct FanInLease : IDisposable
{
    private readonly ClaimReader? _reader;
    private readonly ulong _position;
    private readonly ulong _header;
    private readonly ushort _type;
    private readonly int _ticket;

    // Plain fields: the just-in-time compiler keeps them in registers.
    internal FanInLease(ClaimReader reader, ulong position, ulong header, ushort type, int ticket)
    {
        _reader = reader;
        (_position, _header) = (position, header);
        _type = type;
        _ticket = ticket;
    }

    /// <summary>Gets the message.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Span => _reader is { } reader ? reader.PayloadAt(_position, _header) : default;

    /// <summary>Gets the type that it was written with.</summary>
    public ushort Type => _type;

    /// <summary>Gets the endpoint that wrote it, as it was when its first message was read. If all other endpoints were in use and another writer has taken this one meanwhile, it is that one.</summary>
    /// <exception cref="InvalidOperationException">The lease was never made.</exception>
    public EndpointInfo Writer => _reader?.Describe(new ClaimRecord(_header).Writer) ?? throw new InvalidOperationException("The lease was never made.");

    /// <summary>
    /// Gets whether an earlier reader may have seen it: true for each message that was in the fan-in when this reader took over from another one, so for each that truly comes again.
    /// </summary>
    public bool IsRedelivered => _reader is not null && _reader.IsRedelivered(_position * ChannelLayout.LineSize);

    /// <summary>Releases the message. Further calls, and calls on a copy, have no effect; nor has it one on a message of <see cref="FanInReader.ReadAvailable"/>.</summary>
    public void Dispose() => _reader?.Release(_ticket);
}
