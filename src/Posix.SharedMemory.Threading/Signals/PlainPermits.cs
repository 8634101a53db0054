using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Threading;

/// <summary>Permits in one word, which nobody owns: those of a process that dies are lost.</summary>
internal sealed class PlainPermits : Permits
{
    private const uint Waiters = 1u << 31, CountMask = 0x7FFFFFFF;

    /// <summary>The kernel adds at most so much at once.</summary>
    private const int MostAdded = 2047;

    private const int MaximumAt = 8;

    private readonly HeldBytes _bytes;
    private readonly unsafe uint* _word;
    private readonly int _maximum;

    private unsafe PlainPermits(HeldBytes bytes, int maximum)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        _bytes = bytes;
        _word = (uint*)bytes.First;
        _maximum = maximum;
    }

    public override News News => Kernel.News;

    internal override Kernel Kernel => Kernel.Current;

    internal override int Count => (int)(Word & CountMask);

    internal override int Maximum => _maximum;

    /// <summary>Gets where the permits are: for <see cref="TryTake"/> and <see cref="TryRelease"/> without a way over this object, which whoever calls them keeps referenced.</summary>
    internal unsafe uint* Address =>
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        _word;

    private unsafe uint Word =>
        // SAFETY: the word lies in the held bytes.
        Volatile.Read(ref *_word);

    internal static unsafe PlainPermits At(MemoryMapping mapping, long offset, int initialCount, int maximumCount)
    {
        var bytes = HeldBytes.Take(mapping, offset, SharedSemaphore.Size, alignment: 8);
        // SAFETY: the maximum lies in the held bytes. It comes first: a first comer that is killed here leaves what the next one completes.
        var found = Interlocked.CompareExchange(ref *(uint*)(bytes.First + MaximumAt), (uint)maximumCount, 0);
        if (found != 0 && found != maximumCount)
        {
            throw new InvalidDataException($"The bytes hold a semaphore of another maximum, {found}, or something else.");
        }

        // SAFETY: count and tag lie in the held bytes; nobody sees one without the other.
        var tag = (uint)(Interlocked.CompareExchange(ref *(ulong*)bytes.First, ((ulong)LockLayout.SemaphoreTag << 32) | (uint)initialCount, 0) >> 32);
        return tag is 0 or LockLayout.SemaphoreTag ? new(bytes, maximumCount) : throw Tags.Unlike("a semaphore", tag);
    }

    internal static unsafe PlainPermits Open(MemoryMapping mapping, long offset)
    {
        var bytes = HeldBytes.Take(mapping, offset, SharedSemaphore.Size, alignment: 8);
        // SAFETY: tag and maximum lie in the held bytes.
        var tag = Volatile.Read(ref *(uint*)(bytes.First + LockLayout.Tag));
        // SAFETY: as above.
        var maximum = Volatile.Read(ref *(uint*)(bytes.First + MaximumAt));
        return tag == LockLayout.SemaphoreTag && maximum is > 0 and <= int.MaxValue ? new(bytes, (int)maximum) : throw Tags.Unlike("a semaphore", tag);
    }

    /// <summary>Takes a permit if there is one: one swap.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static unsafe bool TryTake(uint* word)
    {
        for (var swaps = 0; swaps < SleepList.MostSwaps; swaps++)
        {
            // SAFETY: the caller holds the word.
            var value = Volatile.Read(ref *word);
            if ((value & CountMask) == 0)
            {
                return false;
            }

            // SAFETY: as above.
            if (Interlocked.CompareExchange(ref *word, value - 1, value) == value)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Gives permits back if nobody sleeps and there is room: one swap.</summary>
    /// <returns>How many there were before; negative: not done.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static unsafe int TryRelease(uint* word, int count, int maximum)
    {
        // SAFETY: the caller holds the word.
        var value = Volatile.Read(ref *word);
        // With sleepers the value is negative, and there is no room.
        // SAFETY: as above.
        return (uint)count <= (uint)maximum - value && value <= (uint)maximum && Interlocked.CompareExchange(ref *word, value + (uint)count, value) == value ? (int)value : -1;
    }

    public override unsafe WaitOutcome Attempt(ref WaitState state, ref SleepList list)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        for (var swaps = 0; swaps < SleepList.MostSwaps; swaps++)
        {
            var value = Word;
            if ((value & CountMask) != 0)
            {
                // SYNC semaphore.waiters: pairs with Release. Whoever has slept cannot know whether others sleep behind it.
                if (Swap(value, (value - 1) | (state.HasSlept ? Waiters : 0)))
                {
                    return WaitOutcome.Taken;
                }

                continue;
            }

            if (state.IsTry)
            {
                return WaitOutcome.Pending;
            }

            if ((value & Waiters) == 0 && !Swap(value, value | Waiters))
            {
                continue;
            }

            list.Add(_word, value | Waiters);
            return WaitOutcome.Pending;
        }

        return list.Retry();
    }

    public override unsafe WaitOutcome GiveUp(ref WaitState state)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        // Whatever WAITERS says: a releaser that woke nobody may clear it late, when others sleep again.
        if (state.HasSlept && (Word & CountMask) != 0)
        {
            Kernel.Wake(_word, 1);
        }

        return WaitOutcome.Pending;
    }

    public override void BeforeSleep()
    {
        // Nobody owns a permit whose life would have to be watched.
    }

    internal override unsafe int Release(int count)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        for (var swaps = 0; ; swaps++)
        {
            var value = Word;
            var before = (int)(value & CountMask);
            if (count > _maximum - before)
            {
                throw new SemaphoreFullException();
            }

            if (swaps >= SleepList.MostSwaps)
            {
                // SAFETY: the word lies in the held bytes.
                Interlocked.Add(ref *_word, (uint)count);
                Kernel.Wake(_word, count);
                return before;
            }

            var after = value + (uint)count;
            if ((value & Waiters) == 0)
            {
                if (Swap(value, after))
                {
                    return before;
                }

                continue;
            }

            int woken;
            if (_maximum == int.MaxValue && count <= MostAdded)
            {
                // SYNC semaphore.waiters: pairs with Attempt. Added and woken in one call, so that no kill falls between.
                woken = Kernel.ChangeAndWake(_word, WordChange.Add, count, count);
            }
            else if (Swap(value, after))
            {
                woken = Kernel.Wake(_word, count);
            }
            else
            {
                continue;
            }

            if (woken < count && Swap(after, after & ~Waiters))
            {
                // SYNC semaphore.again: pairs with Attempt. The word may be what it was although the permits were taken meanwhile, others went to sleep, and another release has woken only one of them.
                Kernel.Wake(_word, int.MaxValue);
            }

            return before;
        }
    }

    private unsafe bool Swap(uint from, uint to)
    {
        // SAFETY: the word lies in the held bytes.
        var swapped = Interlocked.CompareExchange(ref *_word, to, from) == from;
        GC.KeepAlive(_bytes);
        return swapped;
    }
}
