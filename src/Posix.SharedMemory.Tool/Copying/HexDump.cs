using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>Lines as <c>hexdump -C</c> prints them: the offset, sixteen bytes, the same as text. Repeated lines become one asterisk.</summary>
internal sealed class HexDump(Terminal terminal, bool isEveryLineShown)
{
    internal const int LineBytes = 16;

    private readonly byte[] _before = new byte[LineBytes];
    private bool _hasBefore;
    private bool _isSqueezing;

    /// <summary>Prints bytes; only the last call may end with an incomplete line.</summary>
    internal void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        for (var at = 0; at < bytes.Length; at += LineBytes)
        {
            var line = bytes[at..Math.Min(bytes.Length, at + LineBytes)];
            if (!isEveryLineShown && _hasBefore && line.SequenceEqual(_before))
            {
                Squeeze();
                continue;
            }

            WriteLine(line, offset + at);
            _hasBefore = line.Length == LineBytes;
            _isSqueezing = false;
            line.CopyTo(_before);
        }
    }

    /// <summary>Prints that a range has no memory and reads as zero.</summary>
    internal void WriteHole(ByteRange hole)
    {
        terminal.Out.Write($"{Offset(hole.Offset)}  {terminal.Paint($"hole: {hole.Length} bytes that read as zero", Ink.Dim)}\n");
        _hasBefore = _isSqueezing = false;
    }

    /// <summary>Prints the offset after the last byte.</summary>
    internal void WriteEnd(long offset) => terminal.Out.Write(Offset(offset) + "\n");

    private static string Offset(long offset) => offset.ToString("x8", CultureInfo.InvariantCulture);

    private void Squeeze()
    {
        if (!_isSqueezing)
        {
            terminal.Out.Write("*\n");
            _isSqueezing = true;
        }
    }

    private void WriteLine(ReadOnlySpan<byte> line, long offset)
    {
        var output = terminal.Out;
        output.Write(Offset(offset));
        for (var at = 0; at < LineBytes; at++)
        {
            output.Write(at % 8 == 0 ? "  " : " ");
            output.Write(at < line.Length ? terminal.Paint(line[at].ToString("x2", CultureInfo.InvariantCulture), KindOf(line[at])) : "  ");
        }

        output.Write("  |");
        foreach (var value in line)
        {
            output.Write(terminal.Paint(value is >= 0x20 and < 0x7F ? ((char)value).ToString() : ".", KindOf(value)));
        }

        output.Write("|\n");
    }

    private static Ink KindOf(byte value) => value switch
    {
        0 => Ink.Dim,
        (byte)' ' or (byte)'\n' or (byte)'\t' or (byte)'\r' => Ink.Green,
        > 0x20 and < 0x7F => Ink.Cyan,
        < 0x80 => Ink.Magenta,
        0xFF => Ink.Red,
        _ => Ink.Yellow,
    };
}
