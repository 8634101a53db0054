using System.Buffers.Binary;

namespace Posix.SharedMemory.Channels;

/// <summary>Copies messages out of an object that other processes use, by reading it: nothing is mapped.</summary>
internal abstract class ChannelTap(SharedMemoryObject memory, ChannelHeader header)
{
    private byte[] _bytes = new byte[256];

    internal long Missed { get; private protected set; }

    internal bool HasEnded { get; private protected set; }

    protected ChannelHeader Header => header;

    /// <summary>Copies the next message, if there is one.</summary>
    internal abstract bool TryRead(out TappedMessage message);

    internal static string SubjectOf(SharedMemoryObject memory) => memory.Name is { } name ? $"'{name}'" : "The object";

    /// <summary>The room for a message, which the next one overwrites.</summary>
    protected Span<byte> Room(int length)
    {
        if (_bytes.Length < length)
        {
            Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(length, _bytes.Length * 2L)));
        }

        return _bytes.AsSpan(0, length);
    }

    /// <summary>Reads bytes that the header says are there.</summary>
    /// <exception cref="InvalidDataException">The object was cut.</exception>
    protected void Read(Span<byte> destination, long offset)
    {
        if (memory.Read(destination, offset) != destination.Length)
        {
            throw new InvalidDataException($"{SubjectOf(memory)} was cut: its header says {header.Total} bytes.");
        }
    }

    protected static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
}
