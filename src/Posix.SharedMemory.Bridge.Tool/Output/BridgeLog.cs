using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Posix.SharedMemory.Bridge.Tool;

/// <summary>Prints what happens, one line each. Names come from the network: nothing in them reaches a terminal as it is. Safe for several threads.</summary>
internal sealed class BridgeLog(TextWriter output, LogFormat format)
{
    private readonly Lock _gate = new();

    /// <param name="settings">What was given.</param>
    /// <param name="prometheus">The port of the metrics.</param>
    internal void Started(BridgeSettings settings, int? prometheus) =>
        Write("started", $"bridging {settings.Bridge.Host} over {WithoutSecret(settings.Url)}", json =>
        {
            json.WriteString("host", settings.Bridge.Host);
            json.WriteString("url", WithoutSecret(settings.Url));
            if (prometheus is { } port)
            {
                json.WriteNumber("prometheus", port);
            }
        });

    internal void Lost(LostEventArgs loss) =>
        Write("lost", string.Create(CultureInfo.InvariantCulture, $"lost {loss.Channel} {loss.First}..{loss.Last} at {loss.Where}"), json =>
        {
            json.WriteString("channel", loss.Channel);
            json.WriteNumber("first", loss.First);
            json.WriteNumber("last", loss.Last);
            json.WriteString("place", loss.Where.ToString());
        });

    internal void Refused(RefusedEventArgs refusal) =>
        Write("refused", $"refused {refusal.Channel}: {refusal.Reason}", json =>
        {
            json.WriteString("channel", refusal.Channel);
            json.WriteString("reason", refusal.Reason);
        });

    internal void Ended() => Write("ended", "ended", _ => { });

    /// <summary>A URL may hold a name and a password.</summary>
    private static string WithoutSecret(string urls) => string.Join(',', urls.Split(',').Select(url =>
    {
        var begin = url.IndexOf("://", StringComparison.Ordinal) is var scheme and >= 0 ? scheme + 3 : 0;
        return url[..begin] + url[Math.Max(url.LastIndexOf('@') + 1, begin)..];
    }));

    private void Write(string what, string text, Action<Utf8JsonWriter> facts)
    {
        var line = format == LogFormat.Json ? Json(what, facts) : Escape(text);
        lock (_gate)
        {
            output.Write(line + "\n");
            output.Flush();
        }
    }

    private static string Json(string what, Action<Utf8JsonWriter> facts)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new() { Encoder = JavaScriptEncoder.Default }))
        {
            json.WriteStartObject();
            json.WriteString("time", TimeProvider.System.GetUtcNow().ToString("O", CultureInfo.InvariantCulture));
            json.WriteString("event", what);
            facts(json);
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <summary>Text of which nothing does anything to a terminal.</summary>
    internal static string Escape(string text) =>
        string.Concat(text.Select(c => char.IsControl(c) || char.IsSurrogate(c) || char.GetUnicodeCategory(c) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}") : c.ToString()));
}
