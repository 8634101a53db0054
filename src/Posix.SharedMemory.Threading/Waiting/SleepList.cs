using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading;

/// <summary>The words of one sleep, each with the value at which it sleeps. A change of any of them ends it.</summary>
internal unsafe ref struct SleepList
{
    // SAFETY: addresses become numbers for the kernel; whoever adds one keeps the word mapped while the list is in use.
    private readonly Span<LinuxFutexWaitv> _entries;

    internal SleepList(Span<LinuxFutexWaitv> entries, int count = 0)
    {
        _entries = entries;
        Count = count;
    }

    internal int Count { get; private set; }

    /// <summary>Gets whether a word found no room; the look of every second then stands in for it.</summary>
    internal bool IsFull { get; private set; }

    internal readonly Span<LinuxFutexWaitv> Entries => _entries[..Count];

    /// <summary>Adds a word that other processes change.</summary>
    internal void Add(uint* word, uint value) => Add(word, value, Linux.FUTEX_32);

    /// <summary>Adds a word that only this process changes.</summary>
    internal void AddPrivate(uint* word, uint value) => Add(word, value, Linux.FUTEX_32 | Linux.FUTEX_PRIVATE_FLAG);

    /// <summary>Takes back what was added since the list had this count.</summary>
    internal void Truncate(int count)
    {
        Count = count;
        IsFull = false;
    }

    private void Add(uint* word, uint value, uint flags)
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
