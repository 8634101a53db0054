using System.Globalization;
using System.Text.Json;

namespace Posix.SharedMemory.Bridge.Tool;

/// <summary>Prints channels that were announced: a table, or a JSON object a line.</summary>
internal sealed class ChannelTable(TextWriter output, LogFormat format)
{
    private static readonly string[] s_titles = ["CHANNEL", "HOST", "KIND", "DELIVERY", "MESSAGES", "RATE/S", "LOST", "STATE"];

    internal void Print(IReadOnlyList<AnnouncedChannel> channels)
    {
        if (format == LogFormat.Json)
        {
            foreach (var channel in channels)
            {
                output.Write(Json(channel) + "\n");
            }

            return;
        }

        if (channels.Count == 0)
        {
            output.Write("no host announces a channel\n");
            return;
        }

        var rows = channels.Select(CellsOf).Prepend(s_titles).ToList();
        var widths = Enumerable.Range(0, s_titles.Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
        {
            output.Write(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd() + "\n");
        }
    }

    private static string[] CellsOf(AnnouncedChannel channel) =>
    [
        BridgeLog.Escape(channel.Name), BridgeLog.Escape(channel.Host), channel.Kind.ToString(), channel.Delivery.ToString(), channel.Messages.ToString(CultureInfo.InvariantCulture),
        channel.Rate.ToString("F1", CultureInfo.InvariantCulture), channel.Lost.ToString(CultureInfo.InvariantCulture), channel.IsCompleted ? "completed" : "open",
    ];

    private static string Json(AnnouncedChannel channel)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("channel", channel.Name);
            json.WriteString("host", channel.Host);
            json.WriteString("kind", channel.Kind.ToString());
            json.WriteString("delivery", channel.Delivery.ToString());
            json.WriteNumber("capacity", channel.Capacity);
            json.WriteString("contentType", channel.ContentType);
            json.WriteNumber("messages", channel.Messages);
            json.WriteNumber("rate", channel.Rate);
            json.WriteNumber("lost", channel.Lost);
            json.WriteBoolean("completed", channel.IsCompleted);
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(bytes.ToArray());
    }
}
