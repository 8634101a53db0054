using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Threading;

/// <summary>Names the entries of one lock object, so that a hold which was left, or a copy of it, does nothing. The owner alone writes it.</summary>
/// <remarks>Bit 0 reports a death, bit 1 is set while the entry lasts, bits 2 to 31 are the thread that entered synchronously, the rest counts.</remarks>
internal struct EntryTicket
{
    internal const long DeathBit = 1;

    private const long LiveBit = 2;
    private const int ThreadShift = 2, CountShift = 32;

    private long _current;
    private uint _count;

    internal static bool TellsOfDeath(long ticket) => (ticket & DeathBit) != 0;

    /// <summary>Whether an entry came after a death that its caller did not accept: the lock is to be left at once.</summary>
    internal static bool IsRefused(WaitOutcome outcome, in WaitState state) => outcome == WaitOutcome.TakenUnrepaired && ((EntryMode)state.Mode & EntryMode.AcceptUnrepaired) == 0;

    /// <summary>What a hold throws that names no entry, or one that is over.</summary>
    internal static InvalidOperationException Spent() => new("The hold was left already, or never entered a lock.");

    /// <summary>Begins the entry that a wait has come to.</summary>
    /// <returns>The ticket; 0: the time is up.</returns>
    /// <exception cref="RetiredException">The lock was retired.</exception>
    internal long Begin(WaitOutcome outcome, in WaitState state)
    {
        var thread = ((EntryMode)state.Mode & EntryMode.Asynchronous) != 0 ? 0 : Environment.CurrentManagedThreadId;
        return outcome switch
        {
            WaitOutcome.Taken => Begin(thread, 0),
            WaitOutcome.TakenUnrepaired => Begin(thread, DeathBit),
            WaitOutcome.Closed => throw new RetiredException(),
            _ => 0,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal long Begin(int thread, long death)
    {
        var ticket = ((long)++_count << CountShift) | ((long)thread << ThreadShift) | LiveBit | death;
        _current = ticket;
        return ticket;
    }

    internal void Restore(long ticket) => Volatile.Write(ref _current, ticket);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryEnd(long ticket)
    {
        if (_current != ticket || ticket == 0)
        {
            return false;
        }

        _current = 0;
        return true;
    }

    internal readonly bool IsCurrent(long ticket) => ticket != 0 && Volatile.Read(in _current) == ticket;

    /// <summary>Whether the entry that lasts was made synchronously by this thread.</summary>
    internal readonly bool IsOfThisThread => (int)(Volatile.Read(in _current) & 0xFFFFFFFF) >> ThreadShift == Environment.CurrentManagedThreadId;
}
