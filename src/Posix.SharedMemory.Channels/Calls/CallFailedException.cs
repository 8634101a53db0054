using System.Text;

namespace Posix.SharedMemory.Channels;

/// <summary>The peer has answered a call with an error. Thrown by a handler of <see cref="MessageCalls.ServeAsync"/>, it is that answer.</summary>
/// <example>
/// <code><![CDATA[
/// await using var calls = (await MessageConnection.ConnectAsync("/run/user/1000/prices.sock")).AsCalls();
/// try
/// {
///     using var reply = await calls.CallAsync("EURUSD"u8.ToArray());
///     Console.WriteLine(BitConverter.ToDouble(reply.Span));
/// }
/// catch (CallFailedException e)
/// {
///     Console.WriteLine($"error {e.Error}: {e.Message}");
/// }
/// ]]></code>
/// </example>
public sealed class CallFailedException : ChannelException
{
    /// <summary>Creates the exception, with the error −1.</summary>
    public CallFailedException()
        : this("The call failed.")
    {
    }

    /// <summary>Creates the exception with a message, and the error −1.</summary>
    public CallFailedException(string message)
        : this(-1, message)
    {
    }

    /// <summary>Creates the exception with a message and a cause, which the peer does not get, and the error −1.</summary>
    public CallFailedException(string message, Exception? innerException)
        : base(message, innerException, -1)
    {
    }

    /// <summary>Creates the exception with a number that <see cref="ChannelException.Error"/> returns at the caller, and a message of up to 1,024 bytes of UTF-8.</summary>
    public CallFailedException(int error, string message)
        : base(message, error)
    {
    }

    /// <summary>What an answer says. The text comes from the peer, and is copied before it is decoded: the peer may change it meanwhile.</summary>
    internal static CallFailedException Of(int error, ReadOnlySpan<byte> said) => new(error, Endpoint.Escape(Encoding.UTF8.GetString(said[..Math.Min(said.Length, ReceivedCall.MostSaid)].ToArray())));
}
