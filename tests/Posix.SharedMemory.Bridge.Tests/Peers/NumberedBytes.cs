using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Bridge.Tests.Peers;

/// <summary>Messages whose every byte follows from their number and its place: one that is mixed from two, shifted or cut is noticed.</summary>
internal static class NumberedBytes
{
    internal const int Least = sizeof(ulong);

    internal static void Fill(Span<byte> message, long number)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(message);
        for (var i = 0; i < words.Length; i++)
        {
            words[i] = i == 0 ? (ulong)number : WordAt(number, i);
        }

        message[(words.Length * sizeof(ulong))..].Fill((byte)number);
    }

    /// <summary>Reads the number, and checks all bytes.</summary>
    /// <exception cref="InvalidDataException">A byte is wrong.</exception>
    internal static long Check(ReadOnlySpan<byte> message)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(message);
        var number = (long)words[0];
        for (var i = 1; i < words.Length; i++)
        {
            if (words[i] != WordAt(number, i))
            {
                throw new InvalidDataException($"The message {number} of {message.Length} bytes is wrong at {i * sizeof(ulong)}.");
            }
        }

        return message[(words.Length * sizeof(ulong))..].ContainsAnyExcept((byte)number) ? throw new InvalidDataException($"The message {number} of {message.Length} bytes is wrong at its end.") : number;
    }

    private static ulong WordAt(long number, int at) => ((ulong)number * 0x9E37_79B9_7F4A_7C15) + ((ulong)at * 0xC2B2_AE3D_27D4_EB4F);
}
