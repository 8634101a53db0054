using System.IO.Pipelines;

namespace Posix.SharedMemory.Channels;

/// <summary>A connection as a pipe: both halves, and the connection's end when both were completed.</summary>
internal sealed class ConnectionPipe : IDuplexPipe
{
    private readonly MessageConnection _connection;
    private int _open = 2;

    internal ConnectionPipe(MessageConnection connection)
    {
        _connection = connection;
        Input = new ConnectionPipeReader(connection.Input.Ring, CloseHalf);
        Output = new ConnectionPipeWriter(connection, CloseHalf);
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    private void CloseHalf()
    {
        if (Interlocked.Decrement(ref _open) == 0)
        {
            _connection.Dispose();
        }
    }
}
