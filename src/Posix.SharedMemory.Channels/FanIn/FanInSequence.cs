using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>The messages of a fan-in that are committed now, read in place. Their room is given back together, at the end of the enumeration at the latest.</summary>
/// <example>
/// <code><![CDATA[
/// using var log = FanIn.Open("log");
/// using var reader = log.OpenReader();
/// FanInSequence available = reader.ReadAvailable();
/// foreach (var line in available)
/// {
///     Console.WriteLine($"{line.Writer.Label}: {System.Text.Encoding.UTF8.GetString(line.Span)}");
/// }
/// ]]></code>
/// </example>
public readonly ref struct FanInSequence
{
    private readonly ClaimReader? _reader;

    internal FanInSequence(ClaimReader reader) => _reader = reader;

    /// <summary>Begins to read. A message that was reached counts as read.</summary>
    /// <exception cref="InvalidOperationException">The reader is doing something else.</exception>
    public Enumerator GetEnumerator() => new(_reader ?? throw new InvalidOperationException("The sequence has no reader."));

    /// <summary>Goes through the messages.</summary>
    public ref struct Enumerator : IDisposable
    {
        private readonly ClaimReader _reader;
        private readonly int _ticket;
        private ulong _head;
        private ulong _header;

        internal Enumerator(ClaimReader reader)
        {
            _reader = reader;
            _ticket = reader.BeginEnumeration();
        }

        /// <summary>Gets the message. It need not be disposed, and is valid until <see cref="MoveNext"/>.</summary>
        public readonly FanInLease Current => new(_reader, ClaimHead.StartOf(_head, _header), _header, _reader.TypeOf(ClaimHead.StartOf(_head, _header)), 0);

        /// <summary>Goes to the next message.</summary>
        /// <returns>False: there is none now.</returns>
        /// <exception cref="ChannelCorruptException">A peer stored what no correct peer stores.</exception>
        /// <exception cref="InvalidOperationException">The enumeration has ended.</exception>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool MoveNext() => _reader.TryMove(_ticket, ref _head, ref _header);

        /// <summary>Gives the room of the messages back to the writers. Further calls have no effect.</summary>
        public readonly void Dispose() => _reader.EndEnumeration(_ticket);
    }
}
