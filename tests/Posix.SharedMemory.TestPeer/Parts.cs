namespace Posix.SharedMemory.TestPeer;

/// <summary>Where the writers of <c>race-grow</c> store in each round, counted from 1.</summary>
internal static class Parts
{
    private const long Head = 8;

    /// <summary>How many bytes each writer adds: odd, and seldom the same.</summary>
    internal static int BytesOf(int round) => 1 + (round * 38 % 302);

    /// <summary>Where the round's bytes start.</summary>
    internal static long StartOf(int round, int writers)
    {
        var start = Head;
        for (var earlier = 1; earlier < round; earlier++)
        {
            start += (long)BytesOf(earlier) * writers;
        }

        return start;
    }
}
