using System.IO.Pipelines;

namespace Posix.SharedMemory.Channels;

public sealed partial class MessageConnection
{
    private MessageCalls? _calls;
    private volatile bool _isSocketOver;

    /// <summary>Returns the connection as a stream of bytes, both ways.</summary>
    /// <remarks>
    /// <para>
    /// The peer uses a stream too, or <see cref="AsPipe"/>: where messages begin and end is not preserved, and objects that were sent are passed over. Reading and writing are independent of each
    /// other. Use either the stream or <see cref="Output"/> and <see cref="Input"/>.
    /// </para>
    /// <para>
    /// Reads and writes throw <see cref="PeerDiedException"/> and <see cref="PeerLeftException"/>, which are <see cref="IOException"/>. <c>connection.Output.Complete()</c> ends the writing half;
    /// disposing the stream ends it too, and closes the connection. A read of a peer that has done so returns 0.
    /// </para>
    /// </remarks>
    /// <example>
    /// <code><![CDATA[
    /// await using var connection = await MessageConnection.ConnectAsync("/run/user/1000/echo.sock");
    /// await using Stream stream = connection.AsStream();
    /// await stream.WriteAsync("hello"u8.ToArray());
    /// var bytes = new byte[5];
    /// await stream.ReadExactlyAsync(bytes);
    /// ]]></code>
    /// </example>
    public Stream AsStream()
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        return new ConnectionStream(this);
    }

    /// <summary>Returns the connection as a pipe, both ways: what is read, and what is written, lies in the shared memory itself where it can.</summary>
    /// <remarks>
    /// <para>
    /// As <see cref="AsStream"/>, of which the peer may use either. What a reader has examined and not consumed is copied once, into memory of this process, so that it may be longer than the ring. A writer
    /// that finds no room writes into memory of this process, until <see cref="System.IO.Pipelines.PipeWriter.FlushAsync"/> has waited for some.
    /// </para>
    /// <para>
    /// Completing the writer ends the writing half, and with an error where bytes are left that the peer has not made room for: <c>CompleteAsync</c> waits for it as long as it takes, <c>Complete</c> for two
    /// seconds. Completing both halves closes the connection. The bytes of a peer that is not trusted may change while they are read: copy what is checked before it is used.
    /// </para>
    /// </remarks>
    /// <example>
    /// <code><![CDATA[
    /// await using var connection = await MessageConnection.ConnectAsync("/run/user/1000/echo.sock");
    /// var pipe = connection.AsPipe();
    /// await pipe.Output.WriteAsync("hello"u8.ToArray());
    /// var result = await pipe.Input.ReadAsync();
    /// pipe.Input.AdvanceTo(result.Buffer.End);
    /// ]]></code>
    /// </example>
    public IDuplexPipe AsPipe()
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        return new ConnectionPipe(this);
    }

    /// <summary>Returns the connection as calls, both ways. Further calls return the same.</summary>
    /// <remarks>
    /// The peer calls this too. Use neither <see cref="Output"/> nor <see cref="Input"/> from then on. Objects can be sent before, by <see cref="SendObjectAsync"/>, and are received at any time: a request
    /// says which of them is meant.
    /// </remarks>
    /// <exception cref="ObjectDisposedException">The connection was disposed.</exception>
    public MessageCalls AsCalls()
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        var calls = LazyInitializer.EnsureInitialized(ref _calls, () => new(this));
        if (_isSocketOver)
        {
            calls.OnSocketEnd();
        }

        return calls;
    }

    /// <summary>Completes the output, if it still can be, and closes the connection.</summary>
    internal void CompleteAndDispose()
    {
        CompleteOutput(0);
        Dispose();
    }

    /// <summary>Completes the output, if it still can be.</summary>
    internal void CompleteOutput(int error)
    {
        if (_isDisposed != 0 || Output.Ring.Act is EndAct.Completed or EndAct.Disposed or EndAct.Corrupt)
        {
            return;
        }

        try
        {
            Output.Complete(error);
        }
        catch (InvalidOperationException)
        {
            // Another call is under way: the peer sees that this side has left.
        }
        catch (ChannelException)
        {
            // The end was closed as corrupt at the same time.
        }
    }
}
