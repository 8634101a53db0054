using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Posix.SharedMemory.AspNetCore;

/// <summary>Makes a server listen for connections through shared memory, beside whatever else it listens to.</summary>
/// <example>
/// <code><![CDATA[
/// var builder = Microsoft.AspNetCore.Builder.WebApplication.CreateSlimBuilder();
/// builder.WebHost.UseSharedMemory("/run/greeter/http.sock", listen => listen.Protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2);
/// ]]></code>
/// </example>
public static class SharedMemoryHosting
{
    /// <summary>Teaches the server to listen to a <see cref="SharedMemoryEndPoint"/>. Further calls have no effect.</summary>
    /// <param name="host">The host that is being built.</param>
    public static IWebHostBuilder UseSharedMemory(this IWebHostBuilder host) =>
        host.ConfigureServices(services => services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, ListenerFactory>()));

    /// <summary>Listens at a path for connections through shared memory.</summary>
    /// <param name="host">The host that is being built.</param>
    /// <param name="path">Where the socket appears by which clients connect; only this user may. <see cref="SharedMemoryEndPoint"/> says otherwise.</param>
    /// <param name="configure">Of the server: protocols, limits, middleware. gRPC needs <see cref="HttpProtocols.Http2"/>.</param>
    /// <exception cref="ArgumentException">The path is empty. Whether the server can listen there is known only when it starts.</exception>
    /// <remarks>Where a living process listens at the path, starting the server fails with <see cref="IOException"/>; what a killed one has left there is replaced.</remarks>
    public static IWebHostBuilder UseSharedMemory(this IWebHostBuilder host, string path, Action<ListenOptions>? configure = null)
    {
        var place = new SharedMemoryEndPoint(path);
        return host.UseSharedMemory().ConfigureServices(services => services.Configure<KestrelServerOptions>(kestrel => kestrel.Listen(place, configure ?? (static _ => { }))));
    }
}
