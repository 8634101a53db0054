using System.Globalization;
using System.Text.Json;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary>What a frame is, in words and in JSON. Its publisher's words are not trusted.</summary>
internal static class FrameText
{
    /// <summary>For people: <c>#12  |u1 1080×1920×3  1920 × 1080 NV12</c>, as far as the publisher says it.</summary>
    internal static string Of(in TappedFrame frame)
    {
        var header = frame.Header;
        List<string> parts = [string.Create(CultureInfo.InvariantCulture, $"#{frame.Sequence}")];
        if (header.DType.Length > 0 || header.Shape.Length > 0)
        {
            parts.Add($"{EscapedText.Of(header.DType)} {string.Join('×', header.Shape.ToArray().Select(number => number.ToString(CultureInfo.InvariantCulture)))}".Trim());
        }

        if (header.Width != 0 || header.Height != 0 || header.Format != 0)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{(uint)header.Width} × {(uint)header.Height} {FormatOf(header.Format)}").TrimEnd());
        }

        if (header.Tag != 0)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"tag {header.Tag}"));
        }

        return string.Join("  ", parts);
    }

    /// <summary>The members of an object in JSON. What the publisher does not say is left out.</summary>
    internal static void Write(Utf8JsonWriter json, in TappedFrame frame)
    {
        var header = frame.Header;
        json.WriteNumber("sequence", frame.Sequence);
        json.WriteNumber("timestamp", frame.Timestamp);
        if (header.DType.Length > 0)
        {
            json.WriteString("dtype", header.DType);
        }

        if (header.Shape.Length > 0)
        {
            Numbers(json, "shape", header.Shape);
            Numbers(json, "strides", header.Strides);
        }

        if (header.Width != 0 || header.Height != 0)
        {
            json.WriteNumber("width", (uint)header.Width);
            json.WriteNumber("height", (uint)header.Height);
        }

        if (header.Format != 0)
        {
            json.WriteString("format", FormatOf(header.Format));
        }

        if (header.Tag != 0)
        {
            json.WriteNumber("tag", header.Tag);
        }
    }

    private static void Numbers(Utf8JsonWriter json, string name, ReadOnlySpan<int> numbers)
    {
        json.WriteStartArray(name);
        foreach (var number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }

    /// <summary>A pixel format: its four characters, or its number where they are not letters.</summary>
    private static string FormatOf(uint format)
    {
        Span<char> text = [(char)(format & 0xFF), (char)((format >> 8) & 0xFF), (char)((format >> 16) & 0xFF), (char)(format >> 24)];
        return format == 0 ? "" : text.ContainsAnyExceptInRange(' ', '~') ? string.Create(CultureInfo.InvariantCulture, $"0x{format:x8}") : text.ToString();
    }
}
