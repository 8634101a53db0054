using System.Numerics;

namespace Posix.SharedMemory.Channels;

/// <summary>Which subscriber holds which slot: known to the publisher alone, in its own memory, so that nobody can damage it and nothing of it is lost with another process.</summary>
internal sealed class FramePool
{
    private readonly FrameLayout _layout;
    private readonly ulong[] _holders;
    private readonly bool[] _isLoaned;
    private readonly uint[] _generations;
    private readonly int[][] _free;
    private readonly int[] _freeCounts;
    private readonly int[] _held = new int[64];

    internal FramePool(FrameLayout layout)
    {
        _layout = layout;
        _holders = new ulong[layout.Slots];
        _isLoaned = new bool[layout.Slots];
        _generations = new uint[layout.Slots];
        _free = new int[layout.Classes.Length][];
        _freeCounts = new int[layout.Classes.Length];
        for (var slotClass = 0; slotClass < _free.Length; slotClass++)
        {
            var (count, first) = (layout.Classes[slotClass].Count, layout.FirstOf(slotClass));
            // The first slot comes out first.
            _free[slotClass] = [.. Enumerable.Range(first, count).Reverse()];
            _freeCounts[slotClass] = count;
        }
    }

    /// <summary>Gets how many bytes the slots have that are loaned, or that a subscriber has.</summary>
    internal long BytesInUse { get; private set; }

    /// <summary>Gets how many slots are free that are long enough.</summary>
    internal int CountFree(int length)
    {
        var count = 0;
        for (var slotClass = ClassFor(length); slotClass < _free.Length; slotClass++)
        {
            count += _freeCounts[slotClass];
        }

        return count;
    }

    /// <summary>Whether the smallest slots that are long enough are all in use.</summary>
    internal bool IsShort(int length) => _freeCounts[ClassFor(length)] == 0;

    /// <summary>Takes a free slot of the smallest class that has one.</summary>
    internal bool TryLoan(int length, out int slot, out uint generation)
    {
        for (var slotClass = ClassFor(length); slotClass < _free.Length; slotClass++)
        {
            if (_freeCounts[slotClass] > 0)
            {
                slot = _free[slotClass][--_freeCounts[slotClass]];
                _isLoaned[slot] = true;
                generation = ++_generations[slot];
                BytesInUse += _layout.LengthOf(slot);
                return true;
            }
        }

        (slot, generation) = (0, 0);
        return false;
    }

    /// <summary>The publisher has sent the slot's frame, or given it back.</summary>
    internal void EndLoan(int slot)
    {
        _isLoaned[slot] = false;
        FreeIfUnused(slot);
    }

    /// <summary>A subscriber has the slot from now on.</summary>
    internal void Hold(int slot, ulong bit)
    {
        _holders[slot] |= bit;
        _held[BitOperations.Log2(bit)]++;
    }

    /// <summary>Whether a subscriber has no slot.</summary>
    internal bool IsFree(ulong bit) => _held[BitOperations.Log2(bit)] == 0;

    /// <summary>A subscriber does not need a slot any more.</summary>
    /// <returns>False: it does not have that slot, in that life.</returns>
    internal bool TryRelease(FrameEntry entry, ulong bit)
    {
        if (entry.HasFlags || entry.Slot >= _layout.Slots || (_holders[entry.Slot] & bit) == 0 || (_generations[entry.Slot] & FrameEntry.GenerationMask) != entry.Generation)
        {
            return false;
        }

        Release(entry.Slot, bit);
        return true;
    }

    /// <summary>A subscriber needs none of its slots any more.</summary>
    internal void ReleaseAll(ulong bit)
    {
        for (var slot = 0; slot < _holders.Length && !IsFree(bit); slot++)
        {
            if ((_holders[slot] & bit) != 0)
            {
                Release(slot, bit);
            }
        }
    }

    private int ClassFor(int length)
    {
        var slotClass = 0;
        while (_layout.Classes[slotClass].Length < length)
        {
            slotClass++;
        }

        return slotClass;
    }

    private void Release(int slot, ulong bit)
    {
        _holders[slot] &= ~bit;
        _held[BitOperations.Log2(bit)]--;
        FreeIfUnused(slot);
    }

    private void FreeIfUnused(int slot)
    {
        if (_holders[slot] == 0 && !_isLoaned[slot])
        {
            var slotClass = _layout.ClassOf(slot);
            _free[slotClass][_freeCounts[slotClass]++] = slot;
            BytesInUse -= _layout.LengthOf(slot);
        }
    }
}
