using NATS.Client.Core;

namespace Posix.SharedMemory.Bridge.Tool;

/// <summary>What the command does, put together from all that was given.</summary>
internal sealed record BridgeSettings
{
    internal required string Url { get; init; }

    internal required BridgeOptions Bridge { get; init; }

    internal string? Creds { get; init; }

    internal bool RequiresTls { get; init; }

    internal string? TlsCa { get; init; }

    internal string? TlsCert { get; init; }

    internal string? TlsKey { get; init; }

    internal LogFormat Log { get; init; }

    internal int? Prometheus { get; init; }

    /// <summary>The connection that all this describes.</summary>
    internal NatsOpts ToConnection(Secrets secrets)
    {
        var options = new NatsOpts { Url = Url, Name = "shm-bridge " + Bridge.Host };
        options = options with { AuthOpts = new() { Username = secrets.User, Password = secrets.Password, Token = secrets.Token, CredsFile = Creds } };
        return RequiresTls || TlsCa is not null || TlsCert is not null
            ? options with { TlsOpts = new() { Mode = TlsMode.Require, CaFile = TlsCa, CertFile = TlsCert, KeyFile = TlsKey } }
            : options;
    }
}
