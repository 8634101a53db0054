using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory;

/// <summary>Counts the leases of one range: each thread in a count that only it writes, so that a lease costs no locked operation.</summary>
/// <remarks>
/// A lease begins with a plain store to the thread's own count and then a look at the phase; the thread that closes the range sets the phase, makes every processor pass a
/// barrier, and then reads the counts. So either the lease sees that the range is closing, or the closing thread sees the lease. A lease ends with a plain store and the same
/// look, and from <see cref="Counted"/> on whoever finds all counts at zero ends the range. All counts together hold one reference of the range; a lease for which there is no
/// count holds one itself. The model is tests/models/leases.pml, the reasons are in docs/decisions/0015.
/// </remarks>
internal struct LeaseCounts
{
    private const int Open = 0;

    /// <summary>No new lease begins, but one that has begun may not be visible yet.</summary>
    private const int Closing = 1;

    /// <summary>Every lease that has begun is visible in its count.</summary>
    private const int Counted = 2;

    /// <summary>The reference that the counts held has been released.</summary>
    private const int Ended = 3;

    /// <summary>How many leases count as references before a thread claims a count: a range that is closed by another thread then needs no barrier.</summary>
    private const int Few = 16;

    /// <summary>How many threads have a count in one range, by the number of processors: powers of two. A thread that has ended may keep its count for a while.</summary>
    private const int FewestStripes = 16, MostStripes = 64;

    private int _phase;
    private int _few;

    /// <summary>The first thread's leases; no further allocation as long as there is one thread.</summary>
    private int _owner;
    private int _count;

    /// <summary>Once a second thread takes leases: a stripe for each. The first element is left out, since the array's length lies beside it.</summary>
    private LeaseStripe[]? _stripes;

    /// <summary>Begins a lease.</summary>
    /// <returns>The count that has been raised, for <see cref="Leave"/>; a null reference if a reference has been added to the range instead.</returns>
    /// <exception cref="ObjectDisposedException">The range is closed.</exception>
    [UnscopedRef]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref int Enter(SafeMappingHandle range)
    {
        var thread = ThreadNumber.Current;
        var stripes = _stripes;
        ref var owner = ref _owner;
        ref var count = ref _count;
        if (stripes is not null)
        {
            ref var stripe = ref StripeOf(stripes, thread);
            owner = ref stripe.Owner;
            count = ref stripe.Count;
        }

        if (owner != thread || thread == 0)
        {
            return ref EnterSlowly(range);
        }

        return ref Enter(range, ref count);
    }

    /// <summary>Ends a lease that <see cref="Enter(SafeMappingHandle)"/> has counted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Leave(SafeMappingHandle range, ref int count)
    {
        // SYNC lease.end: pairs with IsNoneLeft. What the lease stored is visible to the thread that finds the count lowered.
        Volatile.Write(ref count, count - 1);
        // SYNC lease.count: pairs with Close, as in Enter: either Close finds the count lowered, or the phase is seen here.
        if (Volatile.Read(ref _phase) != Open)
        {
            EndIfNoneLeft(range);
        }
    }

    /// <summary>Lets no lease begin any more. The last lease, or this call if there is none, releases the reference that the counts hold.</summary>
    internal void Close(SafeMappingHandle range)
    {
        if (Interlocked.CompareExchange(ref _phase, Closing, Open) != Open)
        {
            return;
        }

        // A thread's own count is visible to itself, and a count claimed from here on finds the phase changed: both are claimed by a swap.
        if (_owner != 0 && (_stripes is not null || _owner != ThreadNumber.Current))
        {
            // SYNC lease.count: pairs with Enter and Leave, which have no barrier between their store and their look: this one is for all of them.
            Interlocked.MemoryBarrierProcessWide();
        }

        Volatile.Write(ref _phase, Counted);
        EndIfNoneLeft(range);
    }

    /// <summary>Returns whether the range, which nothing references any more, has to give back the reference of the counts.</summary>
    internal bool IsForgotten() => _phase == Open && _owner != 0 && IsNoneLeft();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref int Enter(SafeMappingHandle range, ref int count)
    {
        // Volatile, so that the compiler keeps the order. The processor may not: Close makes up for that.
        Volatile.Write(ref count, count + 1);
        // SYNC lease.count: pairs with Close. Either the count is found there, or the phase is seen here.
        if (Volatile.Read(ref _phase) != Open)
        {
            // The raised count may have kept another thread from ending the range: this one looks in its place.
            Leave(range, ref count);
            ThrowDisposed();
        }

        return ref count;
    }

    [UnscopedRef]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ref int EnterSlowly(SafeMappingHandle range)
    {
        if (Volatile.Read(ref _phase) != Open)
        {
            ThrowDisposed();
        }

        // Before anything is counted: it allocates, once for each thread.
        var thread = ThreadNumber.Take();
        if (_few < Few)
        {
            // Not exact where threads race, and need not be.
            _few++;
        }
        else if (TryClaim(range, thread))
        {
            return ref Enter(range);
        }

        var isTaken = false;
        range.DangerousAddRef(ref isTaken);
        // SAFETY: a null reference is never read; EndLease recognizes it.
        return ref Unsafe.NullRef<int>();
    }

    /// <summary>Gives the thread a count of its own, if there is one left.</summary>
    private bool TryClaim(SafeMappingHandle range, int thread)
    {
        if (_stripes is null && TryClaimFirst(range, thread))
        {
            return true;
        }

        var stripes = _stripes;
        if (stripes is null)
        {
            var wanted = (int)BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount * 2);
            var fresh = new LeaseStripe[1 + Math.Clamp(wanted, FewestStripes, MostStripes)];
            stripes = Interlocked.CompareExchange(ref _stripes, fresh, null) ?? fresh;
        }

        ref var owner = ref StripeOf(stripes, thread).Owner;
        // Read first: a swap that fails would take the line from the thread that has the stripe.
        return owner == thread || (owner == 0 && Interlocked.CompareExchange(ref owner, thread, 0) == 0);
    }

    private bool TryClaimFirst(SafeMappingHandle range, int thread)
    {
        if (_owner != 0)
        {
            return false;
        }

        // For all counts of the range.
        var isTaken = false;
        range.DangerousAddRef(ref isTaken);
        if (Interlocked.CompareExchange(ref _owner, thread, 0) == 0)
        {
            return true;
        }

        range.DangerousRelease();
        return false;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EndIfNoneLeft(SafeMappingHandle range)
    {
        // SYNC lease.last: pairs with itself on another thread. Of two that lower their counts at the same time one at least sees both lowered.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _phase) == Counted && _owner != 0 && IsNoneLeft()
            && Interlocked.CompareExchange(ref _phase, Ended, Counted) == Counted)
        {
            range.DangerousRelease();
        }
    }

    private bool IsNoneLeft()
    {
        // SYNC lease.end: pairs with Leave.
        var isNone = Volatile.Read(ref _count) == 0;
        foreach (ref var stripe in Volatile.Read(ref _stripes).AsSpan())
        {
            isNone &= Volatile.Read(ref stripe.Count) == 0;
        }

        return isNone;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref LeaseStripe StripeOf(LeaseStripe[] stripes, int thread) => ref stripes[1 + (thread & (stripes.Length - 2))];

    [DoesNotReturn]
    private static void ThrowDisposed() => throw new ObjectDisposedException("Posix.SharedMemory.MemoryMapping");
}
