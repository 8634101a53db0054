namespace Posix.SharedMemory.AspNetCore;

/// <summary>The process at the other end of a connection through shared memory, as the kernel recorded it: a feature of the connection and of each of its requests.</summary>
/// <example>
/// <code><![CDATA[
/// var app = WebApplication.CreateSlimBuilder().Build();
/// app.Use(async (HttpContext context, RequestDelegate next) =>
/// {
///     if (context.Features.Get<IPeerCredentialsFeature>() is { Peer.UserId: not 0 })
///     {
///         context.Response.StatusCode = 403;
///         return;
///     }
///
///     await next(context);
/// });
/// ]]></code>
/// </example>
public interface IPeerCredentialsFeature
{
    /// <summary>Gets the process, user and group that connected. They cannot be forged.</summary>
    PeerCredentials Peer { get; }
}
