using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading;

/// <summary>
/// A system on which processes sleep on one word at a time, and that marks no word when a process dies: words, events and plain semaphores work; rosters, and the locks over them, do not.
/// </summary>
internal abstract class SeatlessKernel : Kernel
{
    // SAFETY: addresses are handed on: whoever calls holds what they point to.
    /// <summary>A sleep without a deadline ends after this time, as if without cause.</summary>
    private const long Longest = 3600 * Deadline.Second;

    internal sealed override bool CanWaitForMany => false;

    internal abstract override string WhyNoSeats { get; }

    internal sealed override bool Sleep(ref SleepList list, long deadline) => list.Count == 1 ? SleepOnFirst(ref list, deadline) : SleepForASlice(ref list, deadline);

    // No call of these systems does both.
    internal sealed override unsafe int ChangeAndWake(uint* word, WordChange change, int argument, int count) => ChangeThenWake(word, change, argument, count);

    internal sealed override bool RegisterForFences() => throw Refusal();

    internal sealed override bool FenceAll() => throw Refusal();

    internal sealed override unsafe byte* MapPages(int count) => throw Refusal();

    internal sealed override unsafe void UnmapPages(byte* first, int count) => throw Refusal();

    internal sealed override unsafe void AliasPage(byte* page, byte* alias) => throw Refusal();

    internal sealed override unsafe bool SetRobustList(byte* head) => throw Refusal();

    internal sealed override bool Exists(int number) => throw Refusal();

    internal sealed override int GetThreadId() => throw Refusal();

    /// <summary>Sleeps while a word has a value.</summary>
    /// <param name="isPrivate">Only threads of this process wake its sleepers.</param>
    /// <param name="nanoseconds">How long at most; more than 0.</param>
    /// <returns>0, or the system's own number of the error.</returns>
    protected abstract unsafe int WaitOn(uint* word, uint value, bool isPrivate, long nanoseconds);

    /// <summary>What an error of <see cref="WaitOn"/> is reported as.</summary>
    protected abstract string WaitCall { get; }

    protected sealed override unsafe bool SleepOnFirst(ref SleepList list, long deadline)
    {
        ref var entry = ref list.Entries[0];
        var word = (uint*)entry.uaddr;
        var left = deadline == long.MaxValue ? Longest : Math.Min(deadline - Deadline.Now, Longest);
        if (left <= 0)
        {
            // SAFETY: the word is mapped while its owner is referenced by the caller.
            return Volatile.Read(ref *word) != (uint)entry.val;
        }

        return WaitOn(word, (uint)entry.val, (entry.flags & Linux.FUTEX_PRIVATE_FLAG) != 0, left) switch
        {
            // EFAULT: the page was taken away meanwhile. The caller reads the word before it sleeps again, which brings the page back.
            0 or Bsd.EINTR or Bsd.EFAULT => true,
            Bsd.ETIMEDOUT => left == Longest,
            var errno => throw new SharedMemoryException(ErrnoNumbers.FromNative(errno), WaitCall),
        };
    }

    private PlatformNotSupportedException Refusal([CallerMemberName] string verb = "") => new($"{WhyNoSeats} ({verb})");
}
