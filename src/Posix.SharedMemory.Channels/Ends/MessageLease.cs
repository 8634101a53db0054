using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory.Channels;

/// <summary>A message, read in place. Disposing it gives its room back to the writer.</summary>
/// <remarks>
/// A writer that is not trusted can still change the bytes while they are read: check and use a copy then (<see cref="MessageReader.TryRead(Span{byte}, out int, out ushort)"/>).
/// A copy of the lease ends with it: only the first <see cref="Dispose"/> has an effect.
/// </remarks>
public readonly ref struct MessageLease : IDisposable
{
    private readonly LendingEnd? _reader;
    private readonly ulong _at;
    private readonly ulong _header;
    private readonly int _ticket;

    // Four plain fields: the just-in-time compiler keeps them in registers.
    internal MessageLease(LendingEnd reader, ulong at, ulong header, int ticket)
    {
        _reader = reader;
        _at = at;
        _header = header;
        _ticket = ticket;
    }

    /// <summary>Gets the message.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Span => _reader is { } reader ? reader.PayloadOf(_at, _header) : default;

    /// <summary>Gets the type that it was written with.</summary>
    public ushort Type => RingRecord.TypeOf(_header);

    /// <summary>
    /// Gets whether an earlier reader may have seen it: true for each message that was in the ring when this reader took over from another one, so for each that truly comes again.
    /// </summary>
    public bool IsRedelivered => _reader is not null && _reader.IsRedelivered(_at);

    /// <summary>
    /// Gets the endpoint that wrote it: of a <see cref="FanIn"/> as it was when its first message was read, of all others the writer as it is now. If all endpoints of a fan-in were in use and another
    /// writer has taken this one meanwhile, it is that one.
    /// </summary>
    /// <exception cref="InvalidOperationException">The lease was never made.</exception>
    public EndpointInfo Writer => _reader?.DescribeWriter(_header) ?? throw new InvalidOperationException("The lease was never made.");

    /// <summary>Releases the message. Further calls, and calls on a copy, have no effect; nor has it one on a message of <see cref="MessageReader.ReadAvailable"/>.</summary>
    public void Dispose() => _reader?.Release(_ticket);
}
