using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Posix.SharedMemory.Tool;

/// <summary>The fields of a message, as <c>--struct</c> names them: where each is, and how it is shown. Little-endian, each aligned to its size as in C.</summary>
internal sealed class MessageFields
{
    private const string Examples = "examples: 'i64 f64', 'u32 s16 u8[4]'";

    private readonly List<(string Type, int Size, int Offset)> _fields = [];
    private readonly int _end;

    private MessageFields(List<(string Type, int Size, int Offset)> fields, int end) => (_fields, _end) = (fields, end);

    /// <summary>Reads the names of fields.</summary>
    internal static MessageFields? Read(string text, out string? objection)
    {
        const int MostBytes = 1 << 20;
        objection = null;
        var fields = new List<(string, int, int)>();
        var at = 0;
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var (type, count) = (word, 1);
            if (word.IndexOf('[', StringComparison.Ordinal) is > 0 and var bracket)
            {
                type = word[..bracket];
                if (!word.EndsWith(']') || !int.TryParse(word.AsSpan(bracket + 1, word.Length - bracket - 2), NumberStyles.None, CultureInfo.InvariantCulture, out count) || count is 0 or > MostBytes)
                {
                    objection = $"'{EscapedText.Of(word)}' is not a valid field; {Examples}";
                    return null;
                }
            }

            var (size, align) = SizeOf(type);
            if (size == 0 || (long)size * count > MostBytes - at)
            {
                objection = $"'{EscapedText.Of(word)}' is not a valid field; {Examples}";
                return null;
            }

            for (; count > 0; count--)
            {
                at = (at + align - 1) / align * align;
                if (type[0] != 'x')
                {
                    fields.Add((type[0] == 's' ? "s" : type, size, at));
                }

                at += size;
            }
        }

        objection = fields.Count == 0 ? $"no field is given; {Examples}" : null;
        return fields.Count == 0 ? null : new(fields, at);
    }

    /// <summary>The fields of a message in one line; a message that is too short for all of them says so.</summary>
    internal string Show(ReadOnlySpan<byte> message)
    {
        if (message.Length < _end)
        {
            return $"{Convert.ToHexStringLower(message)} (the fields need {_end} bytes)";
        }

        var text = new StringBuilder();
        foreach (var (type, size, offset) in _fields)
        {
            text.Append(text.Length == 0 ? "" : " ").Append(ValueOf(type, message.Slice(offset, size)));
        }

        return text.ToString();
    }

    /// <summary>Writes the fields of a message as values of JSON; those that a message is too short for are null.</summary>
    internal void Write(Utf8JsonWriter json, ReadOnlySpan<byte> message)
    {
        foreach (var (type, size, offset) in _fields)
        {
            if (offset + size > message.Length)
            {
                json.WriteNullValue();
            }
            else if (type is "s")
            {
                json.WriteStringValue(Encoding.UTF8.GetString(UpToNul(message.Slice(offset, size))));
            }
            else if (ValueOf(type, message.Slice(offset, size)) is var value && value is "NaN" or "Infinity" or "-Infinity")
            {
                // JSON has no such numbers.
                json.WriteStringValue(value);
            }
            else
            {
                json.WriteRawValue(value);
            }
        }
    }

    private static (int Size, int Align) SizeOf(string type) => type switch
    {
        "i8" or "u8" or "bool" => (1, 1),
        "i16" or "u16" => (2, 2),
        "i32" or "u32" or "f32" => (4, 4),
        "i64" or "u64" or "f64" => (8, 8),
        ['s' or 'x', .. var digits] when int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size > 0 => (size, 1),
        _ => default,
    };

    private static string ValueOf(string type, ReadOnlySpan<byte> bytes) => type switch
    {
        "i8" => Text((sbyte)bytes[0]),
        "u8" => Text(bytes[0]),
        "bool" => bytes[0] != 0 ? "true" : "false",
        "i16" => Text(BinaryPrimitives.ReadInt16LittleEndian(bytes)),
        "u16" => Text(BinaryPrimitives.ReadUInt16LittleEndian(bytes)),
        "i32" => Text(BinaryPrimitives.ReadInt32LittleEndian(bytes)),
        "u32" => Text(BinaryPrimitives.ReadUInt32LittleEndian(bytes)),
        "i64" => Text(BinaryPrimitives.ReadInt64LittleEndian(bytes)),
        "u64" => Text(BinaryPrimitives.ReadUInt64LittleEndian(bytes)),
        "f32" => Text(BinaryPrimitives.ReadSingleLittleEndian(bytes)),
        "f64" => Text(BinaryPrimitives.ReadDoubleLittleEndian(bytes)),
        _ => EscapedText.InLine(UpToNul(bytes)),
    };

    private static ReadOnlySpan<byte> UpToNul(ReadOnlySpan<byte> bytes) => bytes.IndexOf((byte)0) is >= 0 and var end ? bytes[..end] : bytes;

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
