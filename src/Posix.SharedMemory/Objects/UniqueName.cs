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
        var random = RandomText.Base32(RandomCharacters);
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
}
