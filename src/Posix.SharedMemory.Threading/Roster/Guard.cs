namespace Posix.SharedMemory.Threading;

/// <summary>A thread whose robust list names this process's seats: the kernel marks them when the process ends, however that happens.</summary>
/// <remarks>
/// The list lies in memory of this process alone. For each seat there are two pages: the second shows the page of the seat once more, and the node of the list stands
/// in the first at the same place as the seat in the second. So one distance, the page size, leads from every node to its seat.
/// </remarks>
internal sealed class Guard
{
    /// <summary>So many seats one guard takes.</summary>
    internal const int MostSeats = 1024;

    private readonly Lock _gate = new();
    private readonly Kernel _kernel;
    private readonly RobustList _list;

    internal Guard(WaitService service, bool isShared)
    {
        _kernel = service.Kernel;
        IsShared = isShared;
        _list = new(_kernel, distance: Environment.SystemPageSize);
        try
        {
            Thread = ServiceThread.Start(service, "shm guard", _list);
        }
        catch
        {
            _list.Discard();
            throw;
        }

        _list.AwaitBegin();
    }

    /// <summary>Gets whether it serves any roster, not one alone.</summary>
    internal bool IsShared { get; }

    /// <summary>Gets the thread, which also waits for asynchronous callers.</summary>
    internal ServiceThread Thread { get; }

    /// <summary>Gets the thread's number, which stands in the seats.</summary>
    internal int ThreadId => _list.ThreadId;

    /// <summary>Gets or sets how many rosters share it. Under the service's lock.</summary>
    internal int Count { get; set; }

    /// <summary>Makes the two pages for a seat; nothing is on the list yet.</summary>
    /// <returns>The first page.</returns>
    internal unsafe byte* Prepare(byte* seatPage)
    {
        var pages = _kernel.MapPages(2);
        try
        {
            _kernel.AliasPage(seatPage, pages + Environment.SystemPageSize);
        }
        catch
        {
            _kernel.UnmapPages(pages, 2);
            throw;
        }

        return pages;
    }

    /// <summary>Claims a seat and puts its node on the list, in this order: the other would let the kernel mark a thread of the same number in another PID namespace that has the seat by then.</summary>
    /// <remarks>A process that is killed in the few instructions between the two leaves a seat of which the claim says that it was joining: the second witness finds it.</remarks>
    /// <returns>False: the seat has changed.</returns>
    internal unsafe bool TryClaim(ulong* seat, ulong from, ulong to, nint* node)
    {
        lock (_gate)
        {
            // SAFETY: the node lies in the pages made by Prepare, and the seat in the bytes that the caller holds.
            *node = *_list.First;
            // SYNC roster.claim: pairs with Unlink, which comes before the seat is free again.
            // SAFETY: as above.
            if (Interlocked.CompareExchange(ref *seat, to, from) != from)
            {
                return false;
            }

            // SAFETY: as above. One store links it, so that the list is whole at every instruction.
            Volatile.Write(ref *_list.First, (nint)node);
            return true;
        }
    }

    /// <summary>Takes a node off the list.</summary>
    internal unsafe void Unlink(nint* node)
    {
        lock (_gate)
        {
            // SAFETY: all nodes lie in pages that are unmapped only after this.
            var before = _list.First;
            // SAFETY: as above.
            while (*before != (nint)node)
            {
                // SAFETY: as above.
                before = (nint*)*before;
            }

            // SYNC roster.claim: pairs with TryClaim.
            // SAFETY: as above; one store unlinks it.
            Volatile.Write(ref *before, *node);
        }
    }
}
