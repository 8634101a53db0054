namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The litmus test of readers and writers, on this machine's processors: each side changes its word and then looks at the other's. That both look too early must not be seen.</summary>
public sealed unsafe class StoreBuffering
{
    private const int Rounds = 4096, Line = 64 / sizeof(uint);

    /// <summary>A reader counts itself in by an add and a writer enters by a swap: both are full fences, on every architecture.</summary>
    [SkippableFact]
    [Rule("readerwriter.exclusion")]
    public void A_reader_and_a_writer_that_come_at_once_do_not_both_find_the_other_absent()
    {
        Skip.If(Environment.ProcessorCount == 1, "Two processors are needed.");
        for (var batch = 0; batch < 50; batch++)
        {
            Assert.Equal(0, Race(
                static (own, other) =>
                {
                    Interlocked.Increment(ref *own);
                    return Volatile.Read(ref *other);
                },
                static (own, other) =>
                {
                    Interlocked.CompareExchange(ref *own, 1, 0);
                    return Volatile.Read(ref *other);
                }));
        }
    }

    /// <summary>Without fences both are seen absent before long: the test above would find it.</summary>
    [SkippableFact]
    [Rule("readerwriter.exclusion")]
    public void Stores_without_a_fence_are_found_by_the_same_race()
    {
        Skip.If(Environment.ProcessorCount == 1, "Two processors are needed.");
        Watchdog.Until(() => Race(Store, Store) > 0, "a store that is seen after the load that follows it");

        static uint Store(uint* own, uint* other)
        {
            Volatile.Write(ref *own, 1);
            return Volatile.Read(ref *other);
        }
    }

    private delegate uint Side(uint* own, uint* other);

    /// <summary>Runs both sides over many pairs of words, each on a line of its own.</summary>
    /// <returns>How often both found the other's word unchanged.</returns>
    private static int Race(Side reader, Side writer)
    {
        // Pinned: the sides use addresses, as the locks do.
        uint[] words = GC.AllocateArray<uint>(Rounds * 2 * Line, pinned: true), seen = new uint[Rounds * 2];
        var arrived = 0;
        var threads = Enumerable.Range(0, 2).Select(side => new Thread(() =>
        {
            fixed (uint* first = words)
            {
                Interlocked.Increment(ref arrived);
                while (Volatile.Read(ref arrived) < 2)
                {
                    // Both begin at once, or as nearly as the machine lets them.
                }

                for (var i = 0; i < Rounds; i++)
                {
                    uint* own = first + (((2 * i) + side) * Line), other = first + (((2 * i) + 1 - side) * Line);
                    seen[(2 * i) + side] = side == 0 ? reader(own, other) : writer(own, other);
                }
            }
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        return Enumerable.Range(0, Rounds).Count(i => seen[2 * i] == 0 && seen[(2 * i) + 1] == 0);
    }
}
