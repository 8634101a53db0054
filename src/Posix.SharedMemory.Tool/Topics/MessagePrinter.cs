using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary>Prints each message as one line: for people, or as JSON.</summary>
internal sealed class MessagePrinter(Terminal terminal, MessageShape shape)
{
    /// <summary>How many bytes of a message are shown where nobody asked for all of them.</summary>
    private const int MostShown = 64;

    private readonly ArrayBufferWriter<byte> _json = new();
    private bool _hasTitle;

    /// <summary>Gets whether only the message itself is printed, without time, type and length.</summary>
    internal bool IsBare { get; init; }

    /// <summary>Prints a message that a tap has copied, or what the frame is that it has seen.</summary>
    internal void Print(in TappedMessage message) => Print(message.Span, message.Type, message.Missed, message.IsTaken, message.Frame);

    internal void Print(ReadOnlySpan<byte> message, ushort type, long missed, bool isTaken, TappedFrame? frame = null)
    {
        var now = TimeProvider.System.GetUtcNow();
        if (shape.IsJson)
        {
            PrintJson(message, type, missed, isTaken, frame, now);
            return;
        }

        if (!IsBare)
        {
            if (!_hasTitle)
            {
                _hasTitle = true;
                terminal.Out.Write(terminal.Paint($"{"TIME",-12}  {"TYPE",5}  {"BYTES",8}  {(frame is null ? "MESSAGE" : "FRAME")}", Ink.Bold) + "\n");
            }

            if (missed > 0)
            {
                terminal.Out.Write(terminal.Paint($"… {ByteSize.Count(missed, frame is null ? "message" : "frame")} missed", Ink.Yellow) + "\n");
            }

            var time = now.ToLocalTime().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
            terminal.Out.Write(string.Create(CultureInfo.InvariantCulture, $"{terminal.Paint(time, Ink.Dim)}  {type,5}  {frame?.Length ?? message.Length,8}  "));
        }

        terminal.Out.Write(frame is { } seen ? FrameText.Of(seen) : Content(message));
        terminal.Out.Write('\n');
    }

    private string Content(ReadOnlySpan<byte> message) => shape.Word switch
    {
        "text" => Text(message),
        "hex" => Convert.ToHexStringLower(message),
        "struct" => shape.Fields!.Show(message),
        _ => IsPrintable(message) ? Text(message)
            : message.Length <= MostShown ? Convert.ToHexStringLower(message) : Convert.ToHexStringLower(message[..MostShown]) + "…",
    };

    private static string Text(ReadOnlySpan<byte> message) => EscapedText.InLine(message);

    private static bool IsPrintable(ReadOnlySpan<byte> message)
    {
        while (!message.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(message, out var rune, out var taken) != OperationStatus.Done || (Rune.IsControl(rune) && rune.Value is not ('\n' or '\t' or '\r')))
            {
                return false;
            }

            message = message[taken..];
        }

        return true;
    }

    private void PrintJson(ReadOnlySpan<byte> message, ushort type, long missed, bool isTaken, TappedFrame? frame, DateTimeOffset now)
    {
        _json.Clear();
        using (var json = new Utf8JsonWriter(_json, new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("time", now);
            json.WriteNumber("type", type);
            json.WriteNumber("length", frame?.Length ?? message.Length);
            if (missed > 0)
            {
                json.WriteNumber("missed", missed);
            }

            if (isTaken)
            {
                json.WriteBoolean("taken", true);
            }

            if (frame is { } seen)
            {
                FrameText.Write(json, seen);
            }
            else if (shape.Fields is { } fields)
            {
                json.WriteStartArray("fields");
                fields.Write(json, message);
                json.WriteEndArray();
            }
            else if (System.Text.Unicode.Utf8.IsValid(message))
            {
                json.WriteString("text", message);
            }
            else
            {
                json.WriteBase64String("base64", message);
            }

            json.WriteEndObject();
        }

        var output = terminal.OutBytes;
        _json.Write("\n"u8);
        output.Write(_json.WrittenSpan);
    }
}
