using System.Buffers.Binary;

namespace Posix.SharedMemory;

/// <summary>The sixteen bytes that are sent with an object's descriptor: docs/spec/objects/passing.md.</summary>
internal static class ObjectMessage
{
    /// <summary>The length of a message: eight bytes that identify it, and the object's length as the sender saw it, little-endian.</summary>
    internal const int Bytes = 16;

    private const int LengthOffset = 8;

    /// <summary>Gets the first bytes of a message. The last of them is the version of the layout.</summary>
    private static ReadOnlySpan<byte> Magic => "SHMOBJ\0\u0001"u8;

    internal static void Write(Span<byte> message, long length)
    {
        Magic.CopyTo(message);
        BinaryPrimitives.WriteInt64LittleEndian(message[LengthOffset..], length);
    }

    /// <summary>Reads what the sender says about the object. It must be checked against what the kernel says.</summary>
    /// <exception cref="InvalidDataException">The bytes are not an object message.</exception>
    internal static long Read(ReadOnlySpan<byte> message)
    {
        if (message.StartsWith(Magic[..^1]) && message[Magic.Length - 1] != Magic[^1])
        {
            throw new InvalidDataException($"The object message has layout {message[Magic.Length - 1]}, and this library supports {Magic[^1]}.");
        }

        if (!message.StartsWith(Magic))
        {
            throw new InvalidDataException("Not an object message: it does not begin with SHMOBJ, 0, 1.");
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(message[LengthOffset..]);
        return length <= long.MaxValue ? (long)length : throw new InvalidDataException($"The object message announces {length} bytes, more than an object can have.");
    }
}
