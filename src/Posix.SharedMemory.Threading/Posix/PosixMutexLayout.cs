using System.Runtime.InteropServices;
using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading;

/// <summary>Where the C library of this process keeps what in a <c>pthread_mutex_t</c> that is robust and shared; found at first use by making such mutexes and entering them.</summary>
/// <remarks>docs/decisions/0014-posix-mutex.md says what is relied on, and why.</remarks>
internal sealed class PosixMutexLayout
{
    // SAFETY: the addresses in this class lie in an array that is pinned and never collected.
    private const int Reserved = 64;

    /// <summary>In the kind, glibc's hints whether the lock may be elided: programs that set the type to normal and those that leave it differ in them.</summary>
    private const uint ElisionHints = 0x300;

    private static readonly Lazy<PosixMutexLayout?> s_layout = new(Find);

    // For ever: if the C library is not what it is taken for, something of the trial may still be on a list.
    private static readonly byte[] s_trial = GC.AllocateArray<byte>(3 * Reserved, pinned: true);

    /// <summary>Gets the layout.</summary>
    /// <exception cref="PlatformNotSupportedException">The C library is neither glibc (2.34 or later) nor musl, as far as a trial can tell.</exception>
    internal static PosixMutexLayout Current => s_layout.Value ?? throw new PlatformNotSupportedException(
        "The robust mutexes of this process's C library are not those of glibc (2.34 or later) or musl on 64-bit Linux, or a filter in front of the kernel (seccomp) refuses set_robust_list, get_robust_list or gettid. Share a SharedMutex instead; interop/psm.h is its counterpart in C.");

    /// <summary>Gets how many bytes the C library's mutex takes.</summary>
    internal static int NativeSize => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 48 : 40;

    /// <summary>Gets where the one word is that initialization makes other than zero, and its value for a mutex of the default type.</summary>
    internal int KindOffset { get; private init; }

    internal uint Kind { get; private init; }

    private uint CheckingKind { get; init; }

    /// <summary>Gets where the futex is: the owner's thread, and the bits that the kernel knows.</summary>
    internal int WordOffset { get; private init; }

    /// <summary>Gets where the node of the robust list is; the node before it is named in the 8 bytes before the node.</summary>
    internal int NodeOffset { get; private init; }

    /// <summary>Whether a mutex of this kind is robust, shared, and of the default type or the one that checks for errors.</summary>
    internal bool Accepts(uint kind) => (kind & ~ElisionHints) == Kind || (kind & ~ElisionHints) == CheckingKind;

    /// <summary>Leaves a mutex of the calling thread as the kernel would leave it if the thread died inside: the next to enter learns of a death.</summary>
    /// <exception cref="InvalidDataException">The mutex is not on the thread's list: its bytes were overwritten.</exception>
    internal unsafe void HandBack(byte* mutex)
    {
        var head = OwnList();
        // SAFETY: the caller holds the bytes of the mutex; head and nodes are this thread's own list, which no other thread changes.
        var node = (nint*)(mutex + NodeOffset);
        var before = (nint*)(node[-1] & ~1);
        if (head is null || before is null || (*before & ~1) != (nint)node)
        {
            throw new InvalidDataException("The mutex is not on the list of those that this thread has entered: its bytes were overwritten.");
        }

        // SAFETY: as above. From here on the kernel ends what this thread begins, if it is killed meanwhile.
        Volatile.Write(ref head->list_op_pending, (nint)node);
        // SAFETY: as above.
        var next = *node;
        // SAFETY: as above.
        Volatile.Write(ref *before, next);
        if ((next & ~1) != (nint)head)
        {
            // SAFETY: as above.
            ((nint*)(next & ~1))[-1] = node[-1];
        }

        // SAFETY: as above.
        ref var word = ref *(uint*)(mutex + WordOffset);
        var value = Volatile.Read(ref word);
        for (var swaps = 0; Interlocked.CompareExchange(ref word, (value & Linux.FUTEX_WAITERS) | Linux.FUTEX_OWNER_DIED, value) != value; swaps++)
        {
            value = Volatile.Read(ref word);
            if (swaps >= SleepList.MostSwaps)
            {
                value = Interlocked.Exchange(ref word, Linux.FUTEX_WAITERS | Linux.FUTEX_OWNER_DIED) | Linux.FUTEX_WAITERS;
                break;
            }
        }

        try
        {
            if ((value & Linux.FUTEX_WAITERS) != 0)
            {
                // SAFETY: an address is handed on.
                Kernel.Current.Wake((uint*)(mutex + WordOffset), 1);
            }
        }
        finally
        {
            // SAFETY: as above.
            Volatile.Write(ref head->list_op_pending, 0);
        }
    }

    private static unsafe LinuxRobustListHead* OwnList()
    {
        LinuxRobustListHead* head;
        nint length;
        // SAFETY: the results lie on the stack for the time of the call.
        return Libc.get_robust_list(Linux.SYS_get_robust_list, 0, &head, &length) == 0 ? head : null;
    }

    private static PosixMutexLayout? Find()
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess || !BitConverter.IsLittleEndian)
        {
            return null;
        }

        // On a thread of its own: the caller's may have another list than the C library's, and keeps nothing of a trial that fails.
        PosixMutexLayout? found = null;
        var thread = new Thread(() => found = FindHere());
        thread.UnsafeStart();
        thread.Join();
        return found;
    }

    private static unsafe PosixMutexLayout? FindHere()
    {
        try
        {
            // SAFETY: the array is as long as three mutexes.
            fixed (byte* trial = s_trial)
            {
                return Try(trial);
            }
        }
        catch (Exception e) when (e is EntryPointNotFoundException or InvalidDataException or SharedMemoryException)
        {
            // Before 2.34, glibc has these functions in a library of their own.
            return null;
        }
    }

    private static unsafe PosixMutexLayout? Try(byte* trial)
    {
        byte* first = trial, second = trial + Reserved, third = trial + (2 * Reserved);
        if (!Initialize(first, type: null) || !Initialize(second, type: null) || !Initialize(third, Linux.PTHREAD_MUTEX_ERRORCHECK))
        {
            return null;
        }

        // One word tells the kind, so that one compare-and-swap makes zeroed bytes a mutex.
        var words = new Span<uint>(first, Reserved / 4);
        var kindAt = words.IndexOfAnyExcept(0u);
        if (kindAt < 0 || words[(kindAt + 1)..].ContainsAnyExcept(0u) || !words.SequenceEqual(new Span<uint>(second, Reserved / 4)))
        {
            return null;
        }

        var kind = words[kindAt];
        if (Libc.pthread_mutex_trylock(first) != 0 || Libc.pthread_mutex_trylock(second) != 0)
        {
            return null;
        }

        var head = OwnList();
        var thread = (uint)Kernel.Current.GetThreadId();
        if (head is null)
        {
            return null;
        }

        // The second, entered last, is the first on the list; from its node, the kernel's distance leads to the word.
        // SAFETY: the list's head is this thread's own, as the kernel says.
        var nodeAt = head->list_next - (nint)second;
        // SAFETY: as above.
        var wordAt = nodeAt + head->futex_offset;
        if (nodeAt is < 8 or > Reserved - 8 || wordAt is < 0 or > Reserved - 4)
        {
            return null;
        }

        // SAFETY: the offset has just been found to lie in a mutex.
        uint* word = (uint*)(first + wordAt), other = (uint*)(second + wordAt);
        // SAFETY: as above.
        if (*word != thread || *other != thread)
        {
            return null;
        }

        // SAFETY: the offset is that of a word in a mutex.
        var checkingKind = *(uint*)(third + (kindAt * 4));
        var layout = new PosixMutexLayout
        {
            KindOffset = kindAt * 4,
            Kind = kind,
            CheckingKind = checkingKind,
            WordOffset = (int)wordAt,
            NodeOffset = (int)nodeAt,
        };

        return layout.HandsBackAsExpected(first, second) ? layout : null;
    }

    /// <summary>Hands the first of two mutexes back that this thread is inside of, and asks the C library what it finds.</summary>
    private unsafe bool HandsBackAsExpected(byte* first, byte* second)
    {
        // SAFETY: the word lies in the mutex.
        var word = (uint*)(first + WordOffset);
        // It is not the last that was entered: its neighbour on the list gets another link.
        HandBack(first);
        // SAFETY: as above.
        var left = *word;
        return left == Linux.FUTEX_OWNER_DIED
            && Libc.pthread_mutex_trylock(first) == Linux.EOWNERDEAD
            && Libc.pthread_mutex_consistent(first) == 0
            && Libc.pthread_mutex_unlock(second) == 0
            && Libc.pthread_mutex_unlock(first) == 0
            && Libc.pthread_mutex_trylock(first) == 0
            && Libc.pthread_mutex_unlock(first) == 0;
    }

    private static unsafe bool Initialize(byte* mutex, int? type)
    {
        var attributes = stackalloc byte[Reserved];
        if (Libc.pthread_mutexattr_init(attributes) != 0)
        {
            return false;
        }

        var isMade = Libc.pthread_mutexattr_setpshared(attributes, Linux.PTHREAD_PROCESS_SHARED) == 0
            && Libc.pthread_mutexattr_setrobust(attributes, Linux.PTHREAD_MUTEX_ROBUST) == 0
            && (type is not { } other || Libc.pthread_mutexattr_settype(attributes, other) == 0)
            && Libc.pthread_mutex_init(mutex, attributes) == 0;
        _ = Libc.pthread_mutexattr_destroy(attributes);
        return isMade;
    }
}
