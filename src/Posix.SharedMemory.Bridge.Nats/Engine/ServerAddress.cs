namespace Posix.SharedMemory.Bridge.Nats;

/// <summary>Where servers are, as users write it: one URL, or several with commas between them.</summary>
internal static class ServerAddress
{
    /// <summary>Checks what the client would only refuse while it connects, with the exception of whatever it stumbles over first.</summary>
    /// <exception cref="ArgumentException">It is not the address of a server.</exception>
    internal static void Require(string? urls, string parameter)
    {
        foreach (var url in (urls ?? "").Split(','))
        {
            if (Refusal(url) is { } reason)
            {
                throw new ArgumentException($"'{WithoutSecret(url)}' is not the address of a server: {reason}", parameter);
            }
        }
    }

    /// <summary>The same for people: a URL may hold a name and a password.</summary>
    internal static string WithoutSecret(string urls) => string.Join(',', urls.Split(',').Select(url =>
    {
        var begin = url.IndexOf("://", StringComparison.Ordinal) is var scheme and >= 0 ? scheme + 3 : 0;
        return url[..begin] + url[Math.Max(url.LastIndexOf('@') + 1, begin)..];
    }));

    private static string? Refusal(string url)
    {
        if (string.IsNullOrWhiteSpace(url))
        {
            return "it is empty.";
        }

        try
        {
            // The client adds the scheme too.
            var scheme = new Uri(url.Contains("://", StringComparison.Ordinal) ? url : "nats://" + url, UriKind.Absolute).Scheme;
            return scheme is "nats" or "tls" or "ws" or "wss" ? null : $"the scheme {scheme} is not nats, tls, ws or wss.";
        }
        catch (UriFormatException e)
        {
            return e.Message;
        }
    }
}
