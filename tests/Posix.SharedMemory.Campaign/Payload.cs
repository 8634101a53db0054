using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Posix.SharedMemory.Campaign;

/// <summary>Bytes that show whether all of them are there: the campaign's tag, a number, the length, a digest, and a body.</summary>
/// <remarks><c>0 tag (8) · 8 number (8) · 16 length (8) · 24 SHA-256 of all others (32) · 56 body</c></remarks>
internal static class Payload
{
    internal const int HeadBytes = 56;
    private const int DigestAt = 24, DigestBytes = 32;

    /// <summary>Makes some.</summary>
    internal static byte[] Make(string tag, long number, int length, Random random)
    {
        var bytes = new byte[Math.Max(length, HeadBytes)];
        random.NextBytes(bytes.AsSpan(HeadBytes));
        TagOf(tag).CopyTo(bytes, 0);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), number);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), bytes.Length);
        Digest(bytes).CopyTo(bytes, DigestAt);
        return bytes;
    }

    internal static bool HasTag(ReadOnlySpan<byte> bytes, string tag) => bytes.StartsWith(TagOf(tag));

    /// <summary>Checks all of them.</summary>
    /// <returns>What is wrong, or <see langword="null"/>.</returns>
    internal static string? Check(ReadOnlySpan<byte> bytes, string tag, out long number)
    {
        number = bytes.Length >= HeadBytes ? BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]) : -1;
        return bytes.Length < HeadBytes ? $"only {bytes.Length} bytes"
            : !HasTag(bytes, tag) ? "another campaign's bytes, or none"
            : BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]) != bytes.Length ? $"{bytes.Length} bytes, which say that they are {BinaryPrimitives.ReadInt64LittleEndian(bytes[16..])}"
            : !bytes.Slice(DigestAt, DigestBytes).SequenceEqual(Digest(bytes)) ? "bytes that do not have their digest"
            : null;
    }

    /// <summary>Reads an object and checks it.</summary>
    internal static string? Check(SharedMemoryObject memory, string tag, out long number)
    {
        var bytes = new byte[memory.Length];
        var count = memory.Read(bytes, 0);
        return Check(bytes.AsSpan(0, count), tag, out number);
    }

    private static byte[] TagOf(string tag) => SHA256.HashData(Encoding.UTF8.GetBytes(tag))[..8];

    private static byte[] Digest(ReadOnlySpan<byte> bytes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(bytes[..DigestAt]);
        hash.AppendData(bytes[HeadBytes..]);
        return hash.GetHashAndReset();
    }
}
