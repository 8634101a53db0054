namespace Posix.SharedMemory.Channels;

/// <summary>The shared memory of a channel holds what no correct peer writes. The endpoint that found it is closed for good.</summary>
public sealed class ChannelCorruptException : ChannelException
{
    /// <summary>Creates the exception.</summary>
    public ChannelCorruptException()
        : this("The channel's shared memory is corrupt.")
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    public ChannelCorruptException(string message)
        : base(message) => Field = "";

    /// <summary>Creates the exception with a message and a cause.</summary>
    public ChannelCorruptException(string message, Exception? innerException)
        : base(message, innerException) => Field = "";

    internal ChannelCorruptException(string field, long offset, string found, Exception? innerException = null)
        : base($"The channel is corrupt: {field} at offset {offset} {found}. The endpoint has been closed.", innerException)
    {
        Field = field;
        Offset = offset;
    }

    /// <summary>Gets which field of the format it is.</summary>
    public string Field { get; }

    /// <summary>Gets where the field is in the channel's object, in bytes.</summary>
    public long Offset { get; }
}
