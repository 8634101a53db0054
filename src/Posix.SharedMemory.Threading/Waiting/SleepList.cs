using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading;

/// <summary>The words of one sleep, each with the value at which it sleeps. A change of any of them ends it.</summary>
internal ref struct SleepList
{
    /// <summary>
    /// An attempt ends after so many swaps of a word that others were quicker to change, and asks to be made again: deadline and token are looked at between attempts, and a service thread
    /// serves its other waits. Nobody comes to so many but where a process does nothing else than write the word. What does not wait (to leave, to give back, to set, to notify) then changes the
    /// word in one step that compares nothing, and so comes to its end.
    /// </summary>
    internal const int MostSwaps = 1000;

    // SAFETY: addresses become numbers for the kernel; whoever adds one keeps the word mapped while the list is in use.
    private Span<LinuxFutexWaitv> _entries;

    /// <summary>Which of the entries are lives, a bit for each: the kernel takes 128 at most.</summary>
    private UInt128 _lives;

    internal SleepList(Span<LinuxFutexWaitv> entries, int count = 0)
    {
        _entries = entries;
        Count = count;
    }

    internal int Count { get; private set; }

    /// <summary>Gets whether a word found no room; the look of every second then stands in for it.</summary>
    internal bool IsFull { get; private set; }

    /// <summary>Gets whether there is nothing to sleep on: the attempt is to be made again.</summary>
    internal bool IsToRetry { get; private set; }

    internal readonly Span<LinuxFutexWaitv> Entries => _entries[..Count];

    /// <summary>Asks for another attempt instead of a sleep.</summary>
    internal WaitOutcome Retry()
    {
        IsToRetry = true;
        return WaitOutcome.Pending;
    }

    /// <summary>Adds a word that other processes change.</summary>
    internal unsafe void Add(uint* word, uint value) => Add(word, value, Linux.FUTEX_32);

    /// <summary>Adds the life of a participant: the kernel marks it at its end, and wakes one of all that sleep on it.</summary>
    internal unsafe void AddLife(uint* life, uint value)
    {
        var count = Count;
        Add(life, value);
        if (Count > count)
        {
            _lives |= UInt128.One << count;
        }
    }

    /// <summary>After the sleep: wakes all other sleepers of lives that have ended. The kernel woke one, which may be this one, and what it does next may not look at that life.</summary>
    internal readonly unsafe void PassOnEnds(Kernel kernel)
    {
        for (var lives = _lives; lives != 0; lives &= lives - 1)
        {
            ref var entry = ref _entries[(int)UInt128.TrailingZeroCount(lives)];
            var life = (uint*)entry.uaddr;
            // SYNC roster.passon: pairs with the kernel's mark, which is followed by one wake-up.
            // SAFETY: whoever added the word keeps it mapped while the list is in use.
            if ((entry.val & Linux.FUTEX_OWNER_DIED) == 0 && (Volatile.Read(ref *life) & Linux.FUTEX_OWNER_DIED) != 0)
            {
                kernel.Wake(life, int.MaxValue);
            }
        }
    }

    /// <summary>Adds a word that only this process changes.</summary>
    internal unsafe void AddPrivate(uint* word, uint value) => Add(word, value, Linux.FUTEX_32 | Linux.FUTEX_PRIVATE_FLAG);

    /// <summary>Makes room for more entries behind those that are there.</summary>
    /// <param name="entries">The same place as before, and longer.</param>
    internal void Widen(Span<LinuxFutexWaitv> entries) => _entries = entries;

    /// <summary>Takes back what was added since the list had this count.</summary>
    internal void Truncate(int count)
    {
        Count = count;
        _lives &= (UInt128.One << count) - 1;
        IsFull = false;
    }

    private unsafe void Add(uint* word, uint value, uint flags)
    {
        // Waiters of one lock name the same words, and locks of one owner its life.
        for (var i = Count - 1; i >= 0; i--)
        {
            if (_entries[i].uaddr == (ulong)word && _entries[i].val == value)
            {
                return;
            }
        }

        if (Count == _entries.Length)
        {
            IsFull = true;
            return;
        }

        _entries[Count++] = new() { val = value, uaddr = (ulong)word, flags = flags };
    }
}
