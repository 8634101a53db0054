namespace Posix.SharedMemory.Threading;

/// <summary>Permits in a <c>sem_t</c> of glibc, by its own steps: value and number of waiters are one 64-bit word.</summary>
internal sealed class PosixPermits(HeldBytes bytes) : Permits
{
    public override News News => Kernel.News;

    internal override Kernel Kernel => Kernel.Current;

    internal override int Count => (int)(uint)Value;

    internal override int Maximum => int.MaxValue;

    // SAFETY: the word lies in the held bytes, at a multiple of 8.
    private unsafe ulong Value =>
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        Volatile.Read(ref *(ulong*)bytes.First);

    private unsafe uint* Word => (uint*)bytes.First;

    public override unsafe WaitOutcome Attempt(ref WaitState state, ref SleepList list)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        for (var swaps = 0; swaps < SleepList.MostSwaps; swaps++)
        {
            var value = Value;
            if ((uint)value != 0)
            {
                var waiter = state.Mode == 1 ? PosixSemaphoreLayout.Waiter : 0;
                if (Swap(value, value - 1 - waiter))
                {
                    state.Mode = 0;
                    return WaitOutcome.Taken;
                }

                continue;
            }

            if (state.IsTry)
            {
                return WaitOutcome.Pending;
            }

            if (state.Mode == 0)
            {
                if (!Swap(value, value + PosixSemaphoreLayout.Waiter))
                {
                    continue;
                }

                state.Mode = 1;
            }

            list.Add(Word, 0);
            return WaitOutcome.Pending;
        }

        return list.Retry();
    }

    public override unsafe WaitOutcome GiveUp(ref WaitState state)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        if (state.Mode == 1)
        {
            // One step, as in glibc: nobody who changes the word keeps this waiter.
            // SAFETY: the word lies in the held bytes, at a multiple of 8.
            var value = Interlocked.Add(ref *(ulong*)bytes.First, unchecked(0ul - PosixSemaphoreLayout.Waiter));
            GC.KeepAlive(bytes);
            state.Mode = 0;
            // A wake-up may have been meant for this waiter.
            if ((uint)value != 0 && value >> 32 != 0)
            {
                Kernel.Wake(Word, 1);
            }
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
            var value = Value;
            if (count > int.MaxValue - (int)(uint)value)
            {
                throw new SemaphoreFullException();
            }

            if (swaps >= SleepList.MostSwaps)
            {
                // SAFETY: the word lies in the held bytes, at a multiple of 8.
                value = Interlocked.Add(ref *(ulong*)bytes.First, (uint)count) - (uint)count;
            }

            if (swaps >= SleepList.MostSwaps || Swap(value, value + (uint)count))
            {
                if (value >> 32 != 0)
                {
                    Kernel.Wake(Word, count);
                }

                return (int)(uint)value;
            }
        }
    }

    private unsafe bool Swap(ulong from, ulong to)
    {
        // SAFETY: the word lies in the held bytes, at a multiple of 8.
        var swapped = Interlocked.CompareExchange(ref *(ulong*)bytes.First, to, from) == from;
        GC.KeepAlive(bytes);
        return swapped;
    }
}
