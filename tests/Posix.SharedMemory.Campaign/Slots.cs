using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Campaign;

/// <summary>One object that several processes make longer at once, a slot each time; who is killed leaves a slot empty, and no other one torn.</summary>
/// <remarks><c>0 end of what is claimed (8, all growers)</c>, and from 64 on slots of 264 bytes, across pages: <c>number + 1 (8, last), body (256)</c></remarks>
internal static class Slots
{
    internal const long MostBytes = 64 << 20;
    private const int First = 64, SlotBytes = 264;

    internal static string NameIn(string prefix) => prefix + "g";

    internal static void Create(string prefix)
    {
        using var memory = SharedMemoryObject.Create(NameIn(prefix), First);
    }

    /// <summary>Claims a slot and fills it; nothing where all are claimed.</summary>
    internal static void Claim(MappedRegion region)
    {
        region.CheckAndRemap();
        var end = First + Interlocked.Add(ref region.Mapping.GetReference<long>(0), SlotBytes);
        if (end > MostBytes)
        {
            Interlocked.Add(ref region.Mapping.GetReference<long>(0), -SlotBytes);
            Thread.Sleep(10);
            return;
        }

        region.CheckAndRemap();
        if (end > region.Length)
        {
            region.Resize(end);
        }

        var slot = region.Mapping.GetSpan(end - SlotBytes, SlotBytes);
        if (slot.ContainsAnyExcept((byte)0))
        {
            throw new InvalidOperationException($"What the object grew by at {end - SlotBytes} is not zero.");
        }

        var number = (end - SlotBytes - First) / SlotBytes;
        Fill(slot[8..], number);
        Volatile.Write(ref MemoryMarshal.AsRef<long>(slot), number + 1);
    }

    /// <summary>Looks at all slots.</summary>
    /// <returns>What is wrong, or <see langword="null"/>; how many slots are full; and whether there is room for many more.</returns>
    internal static (string? Complaint, long Full, bool HasRoom) Check(string prefix)
    {
        using var memory = SharedMemoryObject.Open(NameIn(prefix), access: FileAccess.Read);
        var bytes = new byte[memory.Length];
        var count = memory.Read(bytes, 0);
        var full = 0L;
        Span<byte> expected = stackalloc byte[SlotBytes - 8];
        for (var start = First; start + SlotBytes <= count; start += SlotBytes)
        {
            // Reading is not all at one instant: what was not full then may have been filled meanwhile. What was, has its body.
            var number = (start - First) / SlotBytes;
            var mark = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(start));
            if (mark == 0)
            {
                continue;
            }

            Fill(expected, number);
            if (mark != number + 1 || !bytes.AsSpan(start + 8, SlotBytes - 8).SequenceEqual(expected))
            {
                return ($"slot {number} is marked {mark} and does not hold its bytes", full, false);
            }

            full++;
        }

        return (null, full, count < MostBytes / 2);
    }

    private static void Fill(Span<byte> body, long number)
    {
        for (var at = 0; at < body.Length; at++)
        {
            body[at] = (byte)(number + (number >> 8) + (at * 7) + 1);
        }
    }
}
