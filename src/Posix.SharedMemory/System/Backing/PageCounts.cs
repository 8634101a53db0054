namespace Posix.SharedMemory;

/// <summary>How many pages of a range there are.</summary>
/// <param name="Resident">Those in memory.</param>
/// <param name="Swapped">Those swapped out.</param>
internal readonly record struct PageCounts(long Resident, long Swapped)
{
    internal long Total => Resident + Swapped;
}
