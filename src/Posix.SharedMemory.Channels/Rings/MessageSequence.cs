using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>The messages that are in the ring now, read in place. Their room is given back together, at the end of the enumeration at the latest.</summary>
public readonly ref struct MessageSequence
{
    private readonly RingReader? _reader;

    internal MessageSequence(RingReader reader) => _reader = reader;

    /// <summary>Begins to read. A message that was reached counts as read.</summary>
    /// <exception cref="InvalidOperationException">The reader is doing something else.</exception>
    public Enumerator GetEnumerator() => new(_reader ?? throw new InvalidOperationException("The sequence has no reader."));

    /// <summary>Goes through the messages.</summary>
    public ref struct Enumerator : IDisposable
    {
        private readonly RingReader _reader;
        private readonly int _ticket;
        private ulong _head;
        private ulong _header;

        internal Enumerator(RingReader reader)
        {
            _reader = reader;
            _ticket = reader.BeginEnumeration(out _head);
        }

        /// <summary>Gets the message. It need not be disposed, and is valid until <see cref="MoveNext"/>.</summary>
        public readonly MessageLease Current => new(_reader, _reader.StartOf(_head, _header), _header, 0);

        /// <summary>Goes to the next message.</summary>
        /// <returns>False: there is none now.</returns>
        /// <exception cref="ChannelCorruptException">The writer stored what no correct writer stores.</exception>
        /// <exception cref="InvalidOperationException">The enumeration has ended, or a copy of this enumerator has gone on.</exception>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool MoveNext() => _reader.TryMove(_ticket, ref _head, ref _header);

        /// <summary>Gives the room of the messages back to the writer. Further calls have no effect.</summary>
        public readonly void Dispose() => _reader.EndEnumeration(_ticket);
    }
}
