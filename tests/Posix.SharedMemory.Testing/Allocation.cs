namespace Posix.SharedMemory.Testing;

/// <summary>What code allocates on the thread that runs it.</summary>
public static class Allocation
{
    private const int Attempts = 5;

    /// <summary>Bytes that so many rounds allocate, after one that warms up: the least of a few attempts.</summary>
    /// <remarks>
    /// A collection, which any other test can cause, takes away what the thread had not yet used of its part of the heap, and the runtime may count that as allocated.
    /// What a round allocates itself is counted in every attempt.
    /// </remarks>
    public static long OfRounds(int rounds, Action round)
    {
        round();
        var least = long.MaxValue;
        for (var attempt = 0; attempt < Attempts && least > 0; attempt++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < rounds; i++)
            {
                round();
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
