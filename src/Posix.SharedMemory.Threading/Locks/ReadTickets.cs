using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Threading;

/// <summary>Names the read entries of one lock object, of which many last at once. An even number is free; each entry makes two steps of it.</summary>
internal sealed class ReadTickets
{
    private const int Length = 64, IndexBits = 32;

    /// <summary>In a ticket: its place belongs to a thread.</summary>
    private const uint OwnBit = 1u << 31;

    /// <summary>In a ticket: the entry came after a writer's death that nobody has repaired.</summary>
    private const uint DeathBit = 1u << 30;

    private const uint PlaceMask = DeathBit - 1;

    /// <summary>The first entry of each thread: only the thread itself begins one there, so that it needs no swap. Whoever ends it does.</summary>
    private readonly uint[] _own = new uint[Length];
    private readonly uint[] _places = new uint[Length];
    private ReadTickets? _next;

    internal static bool TellsOfDeath(long ticket) => ((uint)ticket & DeathBit) != 0;

    /// <summary>Begins an entry after a writer's death.</summary>
    internal long BeginUnrepaired() => Begin() | DeathBit;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal long Begin()
    {
        var thread = (uint)Environment.CurrentManagedThreadId;
        var own = _own;
        if (thread < (uint)own.Length && own[thread] is var value && (value & 1) == 0)
        {
            Volatile.Write(ref own[thread], value + 1);
            return ((long)(value + 1) << IndexBits) | OwnBit | thread;
        }

        return BeginAnywhere();
    }

    /// <summary>Of a thread whose first entry lasts, or whose number is high: a place that is free.</summary>
    private long BeginAnywhere()
    {
        var first = Environment.CurrentManagedThreadId;
        var tickets = this;
        for (var chunk = 0; ; chunk++)
        {
            for (var i = 0; i < Length; i++)
            {
                var index = (first + i) % Length;
                var value = Volatile.Read(ref tickets._places[index]);
                if ((value & 1) == 0 && Interlocked.CompareExchange(ref tickets._places[index], value + 1, value) == value)
                {
                    return ((long)(value + 1) << IndexBits) | (uint)((chunk * Length) + index);
                }
            }

            Interlocked.CompareExchange(ref tickets._next, new(), null);
            tickets = tickets._next;
        }
    }

    /// <summary>Ends an entry.</summary>
    /// <returns>Whether it lasted still.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryEnd(long ticket)
    {
        if (((uint)ticket & OwnBit) == 0)
        {
            return TryEndAnywhere(ticket);
        }

        var value = (uint)(ticket >> IndexBits);
        return Interlocked.CompareExchange(ref _own[(uint)ticket & PlaceMask], value + 1, value) == value;
    }

    /// <summary>Whether an entry lasts still.</summary>
    internal bool IsCurrent(long ticket)
    {
        var value = (uint)(ticket >> IndexBits);
        return value != 0 && Volatile.Read(ref ((uint)ticket & OwnBit) != 0 ? ref _own[(uint)ticket & PlaceMask] : ref PlaceOf(ticket)) == value;
    }

    private bool TryEndAnywhere(long ticket)
    {
        var value = (uint)(ticket >> IndexBits);
        return value != 0 && Interlocked.CompareExchange(ref PlaceOf(ticket), value + 1, value) == value;
    }

    private ref uint PlaceOf(long ticket)
    {
        var place = (uint)ticket & PlaceMask;
        var tickets = this;
        for (var chunk = place / Length; chunk > 0; chunk--)
        {
            tickets = tickets!._next;
        }

        return ref tickets!._places[place % Length];
    }
}
