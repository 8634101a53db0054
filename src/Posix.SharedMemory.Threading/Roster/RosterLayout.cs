namespace Posix.SharedMemory.Threading;

/// <summary>The bytes of a roster. Drawn in docs/spec/threading/roster.md.</summary>
internal static class RosterLayout
{
    /// <summary>"PSMR", and above it version 1.</summary>
    internal const ulong Magic = 0x524D5350ul | (1ul << 32);

    internal const int Alignment = 64;
    internal const int MostSeats = 1023;

    // The header: u64, of which the upper 16 bits are the number of seats; written by whoever comes first.
    internal const int Joins = 8;        // u32: one more after each join, then woken
    internal const int HeaderSize = 64;

    internal const int SeatSize = 32;
    internal const int Life = 0;         // u32: the futex that the kernel marks
    internal const int Incarnation = 4;  // u32: together with Life one u64
    internal const int ProcessId = 8;    // u32: as that process sees itself
    internal const int Boot = 12;        // u32: which boot of the machine, 1: unknown; written before the claim
    internal const int Namespace = 16;   // u64: its PID namespace and its time namespace; written last, 0: no witness
    internal const int StartTime = 24;   // u64: in clock ticks since boot

    internal const uint Waiters = 0x80000000, Died = 0x40000000, ThreadMask = 0x3FFFFFFF;

    /// <summary>In the incarnation's word: the process answers to expedited fences.</summary>
    internal const uint Registered = 0x80000000;

    /// <summary>In the incarnation's word: the process has not finished joining, holds nothing, and may lose the seat again.</summary>
    internal const uint Joining = 0x40000000;

    /// <summary>While it joins, bits 18 to 29 of the incarnation's word say where its thread's number counts; 0: not known.</summary>
    internal const int SpaceShift = 18;

    private const uint SpaceMask = 0xFFF;

    /// <summary>Twelve bits for a PID namespace, of which only a joiner's seat has to make do: two namespaces with the same bits cost a joiner another attempt, and nothing else.</summary>
    internal static uint SpaceOf(ulong space) => space == 0 ? 0 : 1 + (uint)(space % SpaceMask);

    internal static bool IsJoining(ulong both) => ((uint)(both >> 32) & Joining) != 0;

    internal static uint SpaceIn(ulong both) => (uint)(both >> (32 + SpaceShift)) & SpaceMask;

    internal static ulong HeaderFor(int seats) => Magic | ((ulong)seats << 48);

    internal static int SizeFor(int seats) => (HeaderSize + (SeatSize * seats) + 63) & ~63;
}
