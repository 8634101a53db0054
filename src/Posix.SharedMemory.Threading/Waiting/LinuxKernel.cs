using System.Runtime.InteropServices;
using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading;

/// <summary>Linux: futexes, robust lists, membarrier.</summary>
internal class LinuxKernel : Kernel
{
    private volatile bool _waitvIsRefused;
    private volatile bool _fencesAreRefused;

    internal override bool CanWaitForMany => !_waitvIsRefused;

    /// <summary>The number with which a test makes a call fail; 0 lets it happen.</summary>
    protected virtual int Fault(string call) => 0;

    internal override bool RegisterForFences() => Membarrier(Linux.MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, "membarrier(REGISTER_GLOBAL_EXPEDITED)");

    internal override bool FenceAll() => !_fencesAreRefused && Membarrier(Linux.MEMBARRIER_CMD_GLOBAL_EXPEDITED, "membarrier(GLOBAL_EXPEDITED)");

    internal override unsafe bool Sleep(ref SleepList list, long deadline)
    {
        if (list.Count == 1)
        {
            return SleepOnFirst(ref list, deadline);
        }

        if (!_waitvIsRefused)
        {
            var until = Absolute(deadline);
            var errno = Fault("futex_waitv");
            if (errno == 0)
            {
                // SAFETY: the entries are pinned for the call; their addresses are mapped while their owners are referenced by the caller.
                fixed (LinuxFutexWaitv* entries = list.Entries)
                {
                    errno = Libc.futex_waitv(Linux.SYS_futex_waitv, entries, list.Count, 0, deadline == long.MaxValue ? null : &until, Linux.CLOCK_MONOTONIC) < 0
                        ? Marshal.GetLastPInvokeError() : 0;
                }
            }

            switch (errno)
            {
                case 0 or Linux.EAGAIN or Linux.EINTR:
                    return true;
                case Linux.ETIMEDOUT:
                    return false;
                case Linux.ENOSYS or Linux.EPERM or Linux.EACCES or Linux.EINVAL:
                    // A kernel before 5.16, or a container's filter, which may refuse with any of these.
                    _waitvIsRefused = true;
                    break;
                default:
                    throw new SharedMemoryException((Errno)errno, "futex_waitv");
            }
        }

        return SleepForASlice(ref list, deadline);
    }

    internal override unsafe int Wake(uint* word, int count, bool isPrivate = false)
    {
        var errno = Fault("futex(FUTEX_WAKE)");
        nint woken = 0;
        if (errno == 0)
        {
            woken = Libc.futex(Linux.SYS_futex, word, Linux.FUTEX_WAKE | (isPrivate ? Linux.FUTEX_PRIVATE_FLAG : 0), count, null, null, 0);
            errno = woken < 0 ? Marshal.GetLastPInvokeError() : 0;
        }

        return errno == 0 ? (int)woken : throw new SharedMemoryException((Errno)errno, "futex(FUTEX_WAKE)");
    }

    internal override unsafe int ChangeAndWake(uint* word, WordChange change, int argument, int count)
    {
        var operation = change switch
        {
            WordChange.SetBit => Linux.FUTEX_OP_SET | Linux.FUTEX_OP_OPARG_SHIFT,
            WordChange.Add => Linux.FUTEX_OP_ADD,
            _ => Linux.FUTEX_OP_OR,
        };
        // The call also compares what the word was with -1, and would then wake once more: no word that is changed so has all bits set.
        var code = unchecked((operation << 28) | (Linux.FUTEX_OP_CMP_EQ << 24) | (argument << 12) | 0xFFF);
        var errno = Fault("futex(FUTEX_WAKE_OP)");
        nint woken = 0;
        if (errno == 0)
        {
            var tries = 0;
            do
            {
                woken = Libc.futex_wake_op(Linux.SYS_futex, word, Linux.FUTEX_WAKE_OP, count, 0, word, code);
                errno = woken < 0 ? Marshal.GetLastPInvokeError() : 0;
            }
            while (errno is Linux.EAGAIN or Linux.EINTR && tries++ < SleepList.MostSwaps);
        }

        // Whatever refuses the call, the word is changed: nobody keeps a lock because of it.
        return errno == 0 ? (int)woken : ChangeThenWake(word, change, argument, count);
    }

    internal override unsafe byte* MapPages(int count)
    {
        var errno = Fault("mmap");
        void* first = null;
        if (errno == 0)
        {
            // Shared, although nobody else has it: the reaper of a process that ran out of memory takes private pages away before its threads end.
            first = Libc.mmap(null, (nuint)(count * Environment.SystemPageSize), Linux.PROT_READ | Linux.PROT_WRITE, Linux.MAP_SHARED | Linux.MAP_ANONYMOUS, -1, 0);
            errno = (nint)first == -1 ? Marshal.GetLastPInvokeError() : 0;
        }

        // SAFETY: only an address is handed on; its owner unmaps it.
        return errno == 0 ? (byte*)first : throw new SharedMemoryException((Errno)errno, "mmap");
    }

    internal override unsafe void UnmapPages(byte* first, int count) =>
        // The only failure is an invalid address, which MapPages does not give.
        _ = Libc.munmap(first, (nuint)(count * Environment.SystemPageSize));

    internal override unsafe void AliasPage(byte* page, byte* alias)
    {
        var errno = Fault("mremap");
        if (errno == 0)
        {
            var result = Libc.mremap(Linux.SYS_mremap, page, 0, Environment.SystemPageSize, Linux.MREMAP_MAYMOVE | Linux.MREMAP_FIXED, alias);
            errno = result == -1 ? Marshal.GetLastPInvokeError() : 0;
        }

        if (errno != 0)
        {
            throw new SharedMemoryException((Errno)errno, "mremap", detail: errno switch
            {
                Linux.EINVAL => "a roster needs a shared mapping of ordinary pages; this one is private, or consists of huge pages, or a filter in front of the kernel (seccomp) refuses mremap",
                Linux.EPERM or Linux.ENOSYS or Linux.EACCES =>
                    "a filter in front of the kernel (seccomp) refuses mremap, without which the kernel cannot mark the seats of processes that end: allow it in the profile of the container or service",
                _ => null,
            });
        }
    }

    internal override unsafe bool SetRobustList(byte* head)
    {
        // SAFETY: the head lies in a page that its guard keeps mapped as long as the thread lives.
        return Fault("set_robust_list") == 0 && Libc.set_robust_list(Linux.SYS_set_robust_list, (LinuxRobustListHead*)head, sizeof(LinuxRobustListHead)) == 0;
    }

    internal override bool Exists(int number)
    {
        var errno = Fault("kill");
        errno = errno == 0 && Libc.kill(number, 0) != 0 ? Marshal.GetLastPInvokeError() : errno;
        return errno != Linux.ESRCH;
    }

    internal override int GetThreadId() => Fault("gettid") == 0 ? (int)Libc.gettid(Linux.SYS_gettid) : -1;

    private bool Membarrier(int command, string call)
    {
        if (Fault(call) == 0 && Libc.membarrier(Linux.SYS_membarrier, command, 0, 0) == 0)
        {
            return true;
        }

        _fencesAreRefused = true;
        return false;
    }

    protected override unsafe bool SleepOnFirst(ref SleepList list, long deadline)
    {
        ref var entry = ref list.Entries[0];
        var errno = Fault("futex(FUTEX_WAIT)");
        if (errno == 0)
        {
            var left = Absolute(Math.Max(deadline - Deadline.Now, 0));
            // SAFETY: the address is mapped while its owner is referenced by the caller.
            errno = Libc.futex(Linux.SYS_futex, (uint*)entry.uaddr, Linux.FUTEX_WAIT | (int)(entry.flags & Linux.FUTEX_PRIVATE_FLAG),
                (nint)entry.val, deadline == long.MaxValue ? null : &left, null, 0) < 0 ? Marshal.GetLastPInvokeError() : 0;
        }

        return errno switch
        {
            0 or Linux.EAGAIN or Linux.EINTR => true,
            Linux.ETIMEDOUT => false,
            _ => throw new SharedMemoryException((Errno)errno, "futex(FUTEX_WAIT)"),
        };
    }

    private static LinuxTimespec Absolute(long nanoseconds) => new() { tv_sec = nanoseconds / Deadline.Second, tv_nsec = nanoseconds % Deadline.Second };
}
