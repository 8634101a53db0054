namespace Posix.SharedMemory.Threading;

/// <summary>The counter of the readers of one process.</summary>
internal static class ReaderCounter
{
    /// <summary>Makes it one of this incarnation, which stands in its upper half. What stands there belonged to a dead one; or another object of this process was quicker.</summary>
    internal static void Own(ref ulong counter, ulong incarnation)
    {
        var value = Volatile.Read(ref counter);
        for (var swaps = 0; !IsOf(value, incarnation); swaps++)
        {
            if (swaps >= SleepList.MostSwaps)
            {
                Interlocked.Exchange(ref counter, incarnation);
                return;
            }

            var found = Interlocked.CompareExchange(ref counter, incarnation, value);
            value = found == value ? incarnation : found;
        }
    }

    private static bool IsOf(ulong value, ulong incarnation) => (value & ~(ulong)uint.MaxValue) == incarnation;
}
