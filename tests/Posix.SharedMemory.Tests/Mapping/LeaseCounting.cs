using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Tests.Mapping;

/// <summary>Leases that are counted by thread: who ends a mapping, and when.</summary>
public sealed class LeaseCounting
{
    private static readonly int s_page = Environment.SystemPageSize;

    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    [InlineData(80, true)]
    [Rule("lease.threads")]
    [Rule("lease.holds")]
    public void However_many_threads_have_taken_leases_the_last_one_unmaps(int threads, bool disposedByAnother)
    {
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        var mapping = memory.Map();
        // All alive at the same time, more than there are counts for, each with a lease that outlives the mapping.
        using var taken = new CountdownEvent(threads);
        using var ending = new Barrier(threads + 1);
        var borrowers = Enumerable.Range(0, threads).Select(number => Start(() =>
        {
            TakeMany(mapping);
            using (var lease = mapping.Acquire())
            {
                taken.Signal();
                ending.SignalAndWait();
                lease.GetReference<int>(4 * number) = number;
            }

            Assert.Throws<ObjectDisposedException>(() => mapping.Acquire().Dispose());
            ending.SignalAndWait();
        })).ToArray();
        taken.Wait();
        TakeMany(mapping);
        if (disposedByAnother)
        {
            Start(mapping.Dispose).Join();
        }
        else
        {
            mapping.Dispose();
        }

        Assert.Single(Held.Mappings(memory));
        Assert.Throws<ObjectDisposedException>(() => mapping.Acquire().Dispose());
        ending.SignalAndWait();
        ending.SignalAndWait();
        Assert.Empty(Held.Mappings(memory));
        Array.ForEach(borrowers, borrower => borrower.Join());
        mapping.Dispose();
        var stored = new byte[4];
        memory.Read(stored, 4 * (threads - 1));
        Assert.Equal(threads - 1, BitConverter.ToInt32(stored));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Rule("lease.threads")]
    [Rule("map.disposed")]
    public void A_mapping_without_living_leases_is_unmapped_at_once(bool disposedByOwner)
    {
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        var mapping = memory.Map();
        Start(() => TakeMany(mapping)).Join();
        if (disposedByOwner)
        {
            TakeMany(mapping);
        }

        mapping.Dispose();
        Assert.Empty(Held.Mappings(memory));
        mapping.Dispose();
    }

    [Fact]
    [Rule("lease.threads")]
    public void Leases_end_in_any_order()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        var mapping = memory.Map();
        var early = mapping.Acquire();
        TakeMany(mapping);
        var first = mapping.Acquire();
        Start(() => TakeMany(mapping)).Join();
        TakeMany(mapping);
        var second = mapping.Acquire();
        using var hold = mapping.Hold();
        mapping.Dispose();
        first.Dispose();
        early.Dispose();
        second.GetReference<int>(0) = 1;
        second.Dispose();
        Assert.Single(Held.Mappings(memory));
        Assert.Equal(1, hold.GetReadOnlyReference<int>(0));
        hold.Dispose();
        Assert.Empty(Held.Mappings(memory));
    }

    [Fact]
    [Rule("map.forgotten")]
    [Rule("lease.threads")]
    public void A_forgotten_mapping_is_unmapped_even_though_its_leases_were_counted()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        Forget(memory);
        Collector.RunUntil(() => Held.Mappings(memory).Count == 0, "the forgotten mapping to be unmapped");

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(SharedMemoryObject memory)
        {
            var mapping = memory.Map();
            TakeMany(mapping);
            Start(() => TakeMany(mapping)).Join();
        }
    }

    [Fact]
    [Rule("lease.threads")]
    [Rule("lease.holds")]
    public void One_of_many_threads_that_end_their_leases_as_the_mapping_ends_unmaps_it()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        // Where fewer processors run than threads spin, a round takes seconds.
        var clock = Stopwatch.StartNew();
        for (var round = 0; round < 300 && clock.Elapsed < TimeSpan.FromSeconds(30); round++)
        {
            var mapping = memory.Map();
            using var start = new Barrier(4);
            var borrowers = Enumerable.Range(0, 3).Select(_ => Start(() =>
            {
                TakeMany(mapping);
                start.SignalAndWait();
                try
                {
                    for (var turn = 0; ; turn++)
                    {
                        using var lease = mapping.Acquire();
                        lease.GetReference<int>(0) = turn;
                    }
                }
                catch (ObjectDisposedException)
                {
                    // The mapping has been disposed.
                }
            })).ToArray();
            start.SignalAndWait();
            Thread.SpinWait(round * 10);
            mapping.Dispose();
            Array.ForEach(borrowers, borrower => borrower.Join());
            Assert.Empty(Held.Mappings(memory));
        }
    }

    /// <summary>More than are counted as references.</summary>
    private static void TakeMany(MemoryMapping mapping)
    {
        for (var turn = 0; turn < 40; turn++)
        {
            using var lease = mapping.Acquire();
            lease.GetSpan(0, 1)[0] = 1;
        }
    }

    private static Thread Start(Action action)
    {
        var thread = new Thread(() => action());
        thread.Start();
        return thread;
    }
}
