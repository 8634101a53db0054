// Draws docs/pictures/icon.svg as the icon.png that the packages carry: dotnet run tools/icon.cs
// It knows rectangles with round corners: the icon consists of them.
#:property PublishAot=false
#:property RunAnalyzers=false

using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Xml.Linq;

const int Size = 128;
const int Samples = 8;
var source = args.Length > 0 ? args[0] : "docs/pictures/icon.svg";
var rectangles = XDocument.Load(source).Root!.Elements().Where(element => element.Name.LocalName == "rect").Select(Rectangle.Parse).ToArray();

// A line of a PNG begins with its filter: none.
var lines = new byte[Size * (1 + (Size * 4))];
for (var y = 0; y < Size; y++)
{
    for (var x = 0; x < Size; x++)
    {
        Draw(x, y).CopyTo(lines, (y * (1 + (Size * 4))) + 1 + (x * 4));
    }
}

using var png = File.Create(Path.ChangeExtension(source, ".png"));
png.Write([0x89, .. "PNG\r\n"u8, 0x1A, 0x0A]);
var header = new byte[13];
BinaryPrimitives.WriteInt32BigEndian(header, Size);
BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), Size);
(header[8], header[9]) = (8, 6);    // eight bits a channel; red, green, blue and alpha
WriteChunk("IHDR"u8, header);
WriteChunk("IDAT"u8, Compress(lines));
WriteChunk("IEND"u8, []);

// The mean of what the samples within one pixel see.
byte[] Draw(int x, int y)
{
    var sum = new int[4];
    for (var i = 0; i < Samples * Samples; i++)
    {
        var (atX, atY) = (x + (((i % Samples) + 0.5) / Samples), y + (((i / Samples) + 0.5) / Samples));
        if (Array.FindLast(rectangles, rectangle => rectangle.Contains(atX, atY)) is { } top)
        {
            sum[0] += top.Color >> 16;
            sum[1] += (top.Color >> 8) & 0xFF;
            sum[2] += top.Color & 0xFF;
            sum[3]++;
        }
    }

    return sum[3] == 0
        ? [0, 0, 0, 0]
        : [(byte)(sum[0] / sum[3]), (byte)(sum[1] / sum[3]), (byte)(sum[2] / sum[3]), (byte)(sum[3] * 255 / (Samples * Samples))];
}

static byte[] Compress(byte[] data)
{
    using var packed = new MemoryStream();
    using (var stream = new ZLibStream(packed, CompressionLevel.SmallestSize))
    {
        stream.Write(data);
    }

    return packed.ToArray();
}

void WriteChunk(ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
{
    byte[] chunk = [0, 0, 0, 0, .. type, .. data, 0, 0, 0, 0];
    BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
    BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), Checksum(chunk.AsSpan(4, 4 + data.Length)));
    png.Write(chunk);
}

// CRC-32, as every PNG chunk ends with it.
static uint Checksum(ReadOnlySpan<byte> data)
{
    var remainder = uint.MaxValue;
    foreach (var value in data)
    {
        remainder ^= value;
        for (var bit = 0; bit < 8; bit++)
        {
            remainder = (remainder >> 1) ^ ((remainder & 1) * 0xEDB88320);
        }
    }

    return ~remainder;
}

/// <summary>A filled rectangle with round corners, and its colour as red, green and blue.</summary>
internal sealed record Rectangle(double X, double Y, double Width, double Height, double Radius, int Color)
{
    public static Rectangle Parse(XElement rect)
    {
        double Number(string name) => double.Parse(rect.Attribute(name)!.Value, CultureInfo.InvariantCulture);
        return new(Number("x"), Number("y"), Number("width"), Number("height"), Number("rx"), Convert.ToInt32(rect.Attribute("fill")!.Value[1..], 16));
    }

    public bool Contains(double x, double y)
    {
        var outX = Math.Max(Math.Max(X + Radius - x, x - (X + Width - Radius)), 0);
        var outY = Math.Max(Math.Max(Y + Radius - y, y - (Y + Height - Radius)), 0);
        return Radius == 0
            ? x >= X && x < X + Width && y >= Y && y < Y + Height
            : (outX * outX) + (outY * outY) <= Radius * Radius;
    }
}
