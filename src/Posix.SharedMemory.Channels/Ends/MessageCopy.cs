using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Posix.SharedMemory.Channels;

/// <summary>Copies a message into a channel. Payloads of a ring begin at multiples of 8, so that wide stores would often cross cache lines.</summary>
internal static unsafe class MessageCopy
{
    /// <summary>Copies all of a message. From 32 to 64 bytes it is two loads and two stores, without a call: the branch vanishes where the length is a constant.</summary>
    /// <param name="message">The message.</param>
    /// <param name="destination">Room for as many bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Copy(ReadOnlySpan<byte> message, byte* destination)
    {
        // SAFETY: only as many bytes are read as the span has.
        ref var source = ref MemoryMarshal.GetReference(message);
        var length = (nuint)(uint)message.Length;
        // SAFETY: both have that many bytes; the two halves overlap where it is not the full size.
        if (length is <= 64 and >= 32)
        {
            var last = length - 32;
            var (first, second) = (Vector256.LoadUnsafe(ref source), Vector256.LoadUnsafe(ref source, last));
            first.Store(destination);
            second.Store(destination + last);
        }
        else
        {
            // SAFETY: as above.
            Unsafe.CopyBlockUnaligned(ref *destination, ref source, (uint)length);
        }
    }
}
