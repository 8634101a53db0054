using System.Net;
using System.Net.Sockets;

namespace Posix.SharedMemory.AspNetCore;

/// <summary>A path at which a server listens for connections through shared memory, and what each of them gets.</summary>
/// <example>
/// <code><![CDATA[
/// var builder = WebApplication.CreateSlimBuilder();
/// builder.WebHost.UseSharedMemory();
/// builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(
///     new SharedMemoryEndPoint("/run/greeter/http.sock") { Connection = new() { Capacity = 4 << 20 }, Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite },
///     listen => listen.Protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2));
/// ]]></code>
/// </example>
public sealed class SharedMemoryEndPoint : EndPoint
{
    /// <summary>Names a path.</summary>
    /// <param name="path">Where the socket appears by which clients connect: as <see cref="MessageListener"/> takes it.</param>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    public SharedMemoryEndPoint(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Path = path;
    }

    /// <summary>Gets the path.</summary>
    public string Path { get; }

    /// <summary>Gets how big the two rings of each connection are, and what tools show of them.</summary>
    public MessageConnectionOptions Connection { get; init; } = new();

    /// <summary>Gets who may connect: those who may write. Only this user by default.</summary>
    public UnixFileMode Mode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Gets the family of the socket by which clients connect.</summary>
    public override AddressFamily AddressFamily => AddressFamily.Unix;

    /// <summary>Returns the path, as logs show it.</summary>
    public override string ToString() => $"shm:{Path}";
}
