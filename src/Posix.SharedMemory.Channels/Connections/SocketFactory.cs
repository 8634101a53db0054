using System.Net.Sockets;

namespace Posix.SharedMemory.Channels;

/// <summary>Makes sockets of <see cref="AddressFamily.Unix"/>, with this library's exceptions.</summary>
internal static class SocketFactory
{
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(16);

    /// <summary>Two connected sockets. Their names are only between the two calls, and cannot be guessed; one that a stranger connects to meanwhile is refused.</summary>
    internal static (Socket Mine, Socket Theirs) CreatePair()
    {
        try
        {
            using var listening = New();
            UnixDomainSocketEndPoint server = new(AbstractName()), client = new(AbstractName());
            listening.Bind(server);
            listening.Listen(backlog: 16);
            var theirs = New();
            try
            {
                theirs.Bind(client);
                theirs.Connect(server);
                while (true)
                {
                    var mine = listening.Accept();
                    if (client.Equals(mine.RemoteEndPoint))
                    {
                        return (mine, theirs);
                    }

                    mine.Dispose();
                }
            }
            catch
            {
                theirs.Dispose();
                throw;
            }
        }
        catch (SocketException e)
        {
            throw Translate(e, "socketpair", null);
        }
    }

    /// <summary>Connects to a path.</summary>
    internal static async ValueTask<Socket> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var address = AddressOf(path);
        for (var pause = TimeSpan.FromMilliseconds(1); ; pause = pause < s_longestPause ? pause * 2 : pause)
        {
            Socket? socket = null;
            try
            {
                socket = New();
                await socket.ConnectAsync(address, cancellationToken).ConfigureAwait(false);
                return socket;
            }
            catch (SocketException e)
            {
                socket?.Dispose();
                if (ErrnoNumbers.FromNative(e.NativeErrorCode) != Errno.EAGAIN)
                {
                    throw Translate(e, "connect", path);
                }
            }
            catch
            {
                socket?.Dispose();
                throw;
            }

            // The listener's queue is full, which a socket of this family cannot wait for.
            await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
        }
    }

    internal static Socket New() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <summary>The address of a path.</summary>
    /// <exception cref="ArgumentException">The path is empty or too long.</exception>
    internal static UnixDomainSocketEndPoint AddressOf(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            return new(path);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new ArgumentException($"The path '{path}' is too long for a socket: at most 107 bytes.", nameof(path), e);
        }
    }

    internal static SharedMemoryException Translate(SocketException failure, string operation, string? path) =>
        // What the base library makes of ENOENT.
        new(failure.SocketErrorCode == SocketError.AddressNotAvailable ? Errno.ENOENT : ErrnoNumbers.FromNative(failure.NativeErrorCode), operation, null, path is null ? null : NextStep(failure.SocketErrorCode, operation, path));

    private static string NextStep(SocketError error, string operation, string path) => (error, operation) switch
    {
        (SocketError.AddressNotAvailable, "connect") => $"there is no socket at '{path}': start the process that listens there first",
        (SocketError.AddressNotAvailable, _) => $"the directory of '{path}' does not exist: create it first",
        (SocketError.ConnectionRefused, _) => $"the process that listened at '{path}' has ended: start it again",
        _ => $"the socket is '{path}'",
    };

    private static string AbstractName() => $"\0shm-{Guid.NewGuid():N}";
}
