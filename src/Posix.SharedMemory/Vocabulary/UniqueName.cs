namespace Posix.SharedMemory;

/// <summary>Makes up names that no object has.</summary>
internal static class UniqueName
{
    /// <summary>The longest name that every system takes: macOS has room for 31 bytes with the slash.</summary>
    private const int PortableBytes = 30;

    private const int RandomCharacters = 13;

    /// <summary>The prefix, a dash and 65 random bits.</summary>
    internal static string After(string prefix, string parameter)
    {
        var random = RandomText(RandomCharacters);
        var bare = prefix.TrimStart('/');
        int bytes = 0, kept = 0;
        foreach (var character in bare.EnumerateRunes())
        {
            bytes += character.Utf8SequenceLength;
            if (bytes > PortableBytes - 1 - RandomCharacters)
            {
                break;
            }

            kept += character.Utf16SequenceLength;
        }

        var name = kept == 0 ? random : $"{bare[..kept]}-{random}";
        return ObjectName.Parse(name, "shm_open", parameter).Text!;
    }

    /// <summary>
    /// Characters of five random bits each, at most 19 of them. The bits are those of a random <see cref="Guid"/>, which come from the kernel: the random
    /// numbers of <c>System.Security.Cryptography</c> load OpenSSL, which a machine need not have.
    /// </summary>
    internal static string RandomText(int characters) => string.Create(characters, Guid.NewGuid(), static (text, guid) =>
    {
        Span<byte> bytes = stackalloc byte[16];
        _ = guid.TryWriteBytes(bytes);
        // Bytes 6 to 8 hold the version and the variant; the others are random.
        bytes[9..].CopyTo(bytes[6..]);
        UInt128 bits = 0;
        foreach (var one in bytes[..13])
        {
            bits = (bits << 8) | one;
        }

        foreach (ref var character in text)
        {
            character = "0123456789abcdefghijklmnopqrstuv"[(int)(bits & 31)];
            bits >>= 5;
        }
    });
}
