using System.Security.Cryptography;

namespace Posix.SharedMemory;

/// <summary>Random characters for names, from the kernel.</summary>
/// <remarks>
/// A new <see cref="Guid"/> has 122 random bits, which the runtime takes from the kernel. The cryptographic generator of the base library would
/// load OpenSSL for the same, and end the process where that is missing, as in small containers.
/// </remarks>
internal static class RandomText
{
    /// <summary>Returns so many characters of 5 random bits each, at most 14.</summary>
    internal static string Base32(int characters) => Create(characters, "0123456789abcdefghijklmnopqrstuv");

    /// <summary>Returns so many random hexadecimal digits, at most 14.</summary>
    internal static string Hex(int digits) => Create(digits, "0123456789abcdef");

    private static string Create(int characters, string alphabet) => string.Create(characters, alphabet, static (text, alphabet) =>
    {
        Span<byte> bytes = stackalloc byte[16];
        try
        {
            _ = Guid.NewGuid().TryWriteBytes(bytes);
        }
        catch (CryptographicException)
        {
            // A filter refuses what the runtime reads from the kernel. A name has to be a new one, which is checked when it is taken; that nobody can guess it is not promised.
            Random.Shared.NextBytes(bytes);
        }

        // Bytes 7 and 8 hold the version and the variant, which are the same in all.
        bytes[14..].CopyTo(bytes[7..]);
        for (var at = 0; at < text.Length; at++)
        {
            text[at] = alphabet[bytes[at] & (alphabet.Length - 1)];
        }
    });
}
