
namespace Posix.SharedMemory;

public sealed partial class SharedMemoryObject
{
    /// <summary>The longest name that every system accepts: macOS allows 31 bytes including the slash.</summary>
    private const int PortableBytes = 30;

    private const int RandomCharacters = 13;

    /// <summary>Returns a name that no object has and that is valid on every system: the prefix, a dash and 65 random bits, at most 30 bytes.</summary>
    /// <param name="prefix">May be empty. Only the first 16 bytes are used, in whole characters.</param>
    /// <exception cref="ArgumentException">The prefix cannot be part of a name: it contains a slash, a NUL or an unpaired surrogate.</exception>
    public static string CreateUniqueName(string prefix)
    {
        ArgumentNullException.ThrowIfNull(prefix);
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
        return ObjectName.Parse(name, "shm_open", nameof(prefix)).Text!;
    }
}
