namespace Posix.SharedMemory.Channels;

/// <summary>A channel cannot go on as asked: the other side has died, left, or ended the channel with an error.</summary>
/// <example>
/// <code><![CDATA[
/// using var channel = MessageChannel.Open("jobs");
/// using var reader = channel.OpenReader();
/// try
/// {
///     await foreach (var job in reader.ReadAllAsync())
///     {
///         Console.WriteLine(Convert.ToHexString(job.Span));
///     }
/// }
/// catch (ChannelCorruptException e)
/// {
///     Console.WriteLine($"{e.Field} at {e.Offset} was overwritten");       // The reader is closed.
/// }
/// catch (ChannelException e)
/// {
///     Console.WriteLine($"the writer ended the channel with error {e.Error}");
/// }
/// ]]></code>
/// </example>
public class ChannelException : IOException
{
    /// <summary>Creates the exception.</summary>
    public ChannelException()
        : this("The channel failed.")
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    public ChannelException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and a cause.</summary>
    public ChannelException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    internal ChannelException(string message, int error)
        : this(message, null, error)
    {
    }

    internal ChannelException(string message, Exception? innerException, int error)
        : base(message, innerException) => Error = error;

    /// <summary>Gets the error that the writer ended the channel with, or that the peer answered a call with; 0: none.</summary>
    public int Error { get; }
}
