using System.Globalization;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>An image of the specification: what an object is, byte for byte, in a certain state.</summary>
internal sealed class Image
{
    /// <summary>What each byte is; null: it differs each time.</summary>
    private readonly byte?[] _bytes;

    private Image(int length)
    {
        _bytes = new byte?[length];
        Array.Fill(_bytes, (byte)0);
    }

    internal int Length => _bytes.Length;

    /// <summary>Reads an image from the file of its format.</summary>
    internal static Image Read(string format, string name)
    {
        Image? image = null;
        foreach (var line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "images", format + ".hex")))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is [] or ["#", ..])
            {
                continue;
            }

            if (words[0][^1] == ':')
            {
                image?.Put(int.Parse(words[0].AsSpan(0, words[0].Length - 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture), words.AsSpan(1));
            }
            else if (image is not null)
            {
                return image;
            }
            else if (words[0] == name)
            {
                image = new(int.Parse(words[1], CultureInfo.InvariantCulture));
            }
        }

        return image ?? throw new InvalidDataException($"{format}.hex has no image '{name}'.");
    }

    /// <summary>Writes the image; bytes that differ each time become zero.</summary>
    internal void CopyTo(Span<byte> bytes)
    {
        for (var i = 0; i < _bytes.Length; i++)
        {
            bytes[i] = _bytes[i] ?? 0;
        }
    }

    /// <summary>The first difference, in words; null: there is none.</summary>
    internal string? DifferenceFrom(ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < _bytes.Length; i++)
        {
            if (_bytes[i] is { } expected && expected != bytes[i])
            {
                return string.Create(CultureInfo.InvariantCulture, $"byte 0x{i:x} is {bytes[i]:x2}, not {expected:x2}");
            }
        }

        return null;
    }

    private void Put(int offset, ReadOnlySpan<string> bytes)
    {
        foreach (var digits in bytes)
        {
            _bytes[offset++] = digits == ".." ? null : byte.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }
    }
}
