namespace Posix.SharedMemory.Threading;

/// <summary>One life of one process in one roster: 32 bits that may be stored in shared memory, and are never mistaken for a later process.</summary>
/// <param name="Value">Bit 28, the seat in bits 18 to 27, the incarnation in bits 0 to 17; 0 means nobody.</param>
/// <example>
/// <code>
/// foreach (Participant participant in roster.GetParticipants())
/// {
///     Console.WriteLine($"Seat {participant.Seat}, life {participant.Incarnation}: process {roster.GetProcessId(participant)}");
/// }
/// </code>
/// </example>
public readonly record struct Participant(uint Value)
{
    internal const uint Mark = 1u << 28;
    internal const uint IncarnationMask = 0x3FFFF;
    internal const int SeatShift = 18;

    /// <summary>Gets the number of its seat, from 1.</summary>
    public int Seat => (int)(Value >> SeatShift) & 0x3FF;

    /// <summary>Gets which life of the seat it is, from 1.</summary>
    public int Incarnation => (int)(Value & IncarnationMask);

    internal static Participant Of(int seat, uint incarnation) => new(Mark | ((uint)seat << SeatShift) | incarnation);
}
