using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading;

/// <summary>The list of words that the kernel marks when a service thread ends, however it ends. The nodes are its user's; head and thread are ours.</summary>
internal sealed class RobustList
{
    private readonly Kernel _kernel;
    private readonly unsafe LinuxRobustListHead* _head;
    private readonly TaskCompletionSource _hasBegun = new();

    /// <param name="distance">From each node to its word, in bytes.</param>
    internal unsafe RobustList(Kernel kernel, nint distance)
    {
        _kernel = kernel;
        // SAFETY: a page of its own, unmapped only after the kernel has forgotten it.
        _head = (LinuxRobustListHead*)kernel.MapPages(1);
        _head->list_next = (nint)_head;
        // SAFETY: as above.
        _head->futex_offset = distance;
    }

    /// <summary>Gets the number of the thread whose list it is.</summary>
    internal int ThreadId { get; private set; }

    /// <summary>Gets whether the kernel took the list; otherwise the second witness reports this process's death.</summary>
    internal bool IsMarkedByKernel { get; private set; }

    /// <summary>Gets where the first node is named; the last one names the place itself.</summary>
    internal unsafe nint* First =>
        // SAFETY: the head lies in the page of this list.
        &_head->list_next;

    /// <summary>Makes it the list of the calling thread.</summary>
    internal unsafe void Begin()
    {
        // SAFETY: an address is handed on.
        var isTaken = _kernel.SetRobustList((byte*)_head);
        var thread = _kernel.GetThreadId();
        // Behind a filter that refuses gettid the process's own number stands for the thread: it is alive as long, but no thread that ends has this list and this number.
        ThreadId = thread > 0 ? thread : Environment.ProcessId;
        IsMarkedByKernel = isTaken && thread > 0;
        _hasBegun.SetResult();
    }

    /// <summary>Returns when the thread has begun.</summary>
    internal void AwaitBegin() => _hasBegun.Task.GetAwaiter().GetResult();

    /// <summary>No thread has begun with it, or ever will.</summary>
    internal unsafe void Discard() =>
        // SAFETY: nobody knows the page.
        _kernel.UnmapPages((byte*)_head, 1);

    /// <summary>The thread, which calls this, is about to end: the kernel forgets the list.</summary>
    internal unsafe void End()
    {
        _kernel.SetRobustList(null);
        // SAFETY: the kernel has forgotten the page, and nobody links nodes any more.
        _kernel.UnmapPages((byte*)_head, 1);
    }
}
