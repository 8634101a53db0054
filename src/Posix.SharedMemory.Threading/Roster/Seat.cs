using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Threading;

/// <summary>This process's seat in one roster, shared by all <see cref="Roster"/> objects and locks over the same place of one mapping.</summary>
internal sealed class Seat
{
    private static readonly ConditionalWeakTable<MemoryMapping, List<Seat>> s_seats = [];

    /// <summary>This process as a participant, or 0 once it has left: every entry begins with a look at it.</summary>
    internal volatile uint Me;

    private readonly Guard? _guard;
    private unsafe byte* _pages;
    private unsafe nint* _node;
    private int _number;
    private int _users = 1;

    /// <summary>The seat of a process that only observes: there is none, and whatever needs one throws.</summary>
    internal Seat(RosterMemory memory)
    {
        Memory = memory;
        News = new(memory.Kernel);
        Watch = new(this, memory.Kernel.Service);
        IsObserver = true;
    }

    private Seat(RosterMemory memory, bool ownGuard)
    {
        Memory = memory;
        News = new(memory.Kernel);
        Watch = new(this, memory.Kernel.Service);
        _guard = Guards.Of(memory.Kernel).Take(ownGuard);
        try
        {
            Claim();
            Announce();
        }
        catch
        {
            try
            {
                if (Me != 0)
                {
                    Vacate();
                }
            }
            finally
            {
                Guards.Of(memory.Kernel).Release(_guard!);
            }

            throw;
        }
    }

    internal RosterMemory Memory { get; }

    internal Kernel Kernel => Memory.Kernel;

    /// <summary>Gets the word by which sleepers of this roster in this process are made to look again.</summary>
    internal News News { get; }

    /// <summary>Gets what watches for the end of others.</summary>
    internal RosterWatch Watch { get; }

    /// <summary>Gets whether the process only observes: it reads, and nothing else.</summary>
    internal bool IsObserver { get; }

    internal int Number => _number;

    /// <summary>Takes a seat, or shares the one that this process has at this place of this mapping.</summary>
    internal static Seat Take(Kernel kernel, MemoryMapping mapping, long offset, int seats, bool ownGuard)
    {
        lock (s_seats)
        {
            // A list, since a mapping has few rosters, and a dictionary by two keys would be much code to compile for the first join.
            var seatsHere = s_seats.GetOrCreateValue(mapping);
            foreach (var seat in seatsHere)
            {
                if (seat.Memory.Bytes.Offset != offset || seat.Kernel != kernel)
                {
                    continue;
                }

                if (seat.Memory.Seats != seats)
                {
                    throw new InvalidDataException($"The roster at offset {offset} has {seat.Memory.Seats} seats, not {seats}.");
                }

                seat._users++;
                return seat;
            }

            var memory = new RosterMemory(HeldBytes.Take(mapping, offset, RosterLayout.SizeFor(seats), RosterLayout.Alignment), seats, kernel);
            MakeHeader(memory);
            var taken = new Seat(memory, ownGuard);
            seatsHere.Add(taken);
            return taken;
        }
    }

    /// <summary>Gives the seat up once its last user in this process has.</summary>
    internal void Release()
    {
        lock (s_seats)
        {
            if (--_users > 0)
            {
                return;
            }

            if (s_seats.TryGetValue(Memory.Bytes.Mapping, out var seats))
            {
                seats.Remove(this);
            }

            Leave();
        }
    }

    internal uint Require()
    {
        var me = Me;
        return me != 0 ? me : throw Missing();
    }

    /// <summary>Refuses what an observer cannot do. A process that has left the roster may.</summary>
    /// <exception cref="InvalidOperationException">The roster is only observed.</exception>
    internal void RefuseObserver()
    {
        if (IsObserver)
        {
            throw Missing();
        }
    }

    /// <summary>The bytes of a lock: for reading only, if the process only observes.</summary>
    internal HeldBytes Hold(MemoryMapping mapping, long offset, int length)
    {
        if (IsObserver)
        {
            return HeldBytes.TakeForReading(mapping, offset, length, alignment: 8);
        }

        Require();
        return HeldBytes.Take(mapping, offset, length, alignment: 8);
    }

    private InvalidOperationException Missing() => IsObserver ? Roster.Observing() : new ObjectDisposedException(nameof(Roster));

    private static unsafe void MakeHeader(RosterMemory memory)
    {
        var header = RosterLayout.HeaderFor(memory.Seats);
        // SAFETY: the header lies in the held bytes, at a multiple of 64.
        var found = Interlocked.CompareExchange(ref *(ulong*)memory.Bytes.First, header, 0);
        if (found != 0 && found != header)
        {
            throw new InvalidDataException((found & 0xFFFFFFFFFFFF) == RosterLayout.Magic
                ? $"The roster has {found >> 48} seats, not {memory.Seats}."
                : $"The bytes at offset {memory.Bytes.Offset} are not a roster of version 1: they begin with {found:x16}.");
        }
    }

    private unsafe void Claim()
    {
        var boot = ProcessIdentity.Boot;
        // All that is read of /proc comes before the wait for the guard, which registers for fences meanwhile.
        _ = (ProcessIdentity.Space, ProcessIdentity.StartTime);
        var isRegistered = Kernel.Service.IsRegisteredForFences;
        for (var isSecondPass = false; ; isSecondPass = true)
        {
            // SAFETY: the word lies in the held bytes.
            var first = (int)(Volatile.Read(ref *Memory.Joins) % (uint)Memory.Seats);
            for (var i = 0; i < Memory.Seats; i++)
            {
                var number = ((first + i) % Memory.Seats) + 1;
                var both = Memory.Read(number);
                if (((uint)both & RosterLayout.ThreadMask) != 0 && ProcessIdentity.IsOfAnotherBoot(Memory.Field(number, RosterLayout.Boot)))
                {
                    // Before the mark of this boot is stored: a crash between leaves a dead seat, never one that looks alive.
                    Memory.MarkDead(number, both);
                    both = Memory.Read(number);
                }

                if (isSecondPass && ((uint)both & RosterLayout.ThreadMask) != 0 && Memory.Witness(Participant.Of(number, RosterMemory.Incarnation(both)).Value))
                {
                    both = Memory.Read(number);
                }

                if (((uint)both & RosterLayout.ThreadMask) == 0 && TryClaim(number, both, boot, isRegistered))
                {
                    return;
                }
            }

            if (isSecondPass)
            {
                throw new RosterFullException($"All {Memory.Seats} seats of the roster are taken by living processes.");
            }
        }
    }

    private unsafe bool TryClaim(int number, ulong both, uint boot, bool isRegistered)
    {
        var seat = Memory.SeatAt(number);
        if (((uint)both & RosterLayout.Died) != 0 && ((uint)(both >> 32) & RosterLayout.Registered) == 0)
        {
            // No fence reaches the one that died here: its threads have this time to end.
            Thread.Sleep(RosterMemory.MillisecondsOfGrace);
        }

        var page = (byte*)((nint)seat & ~((nint)Environment.SystemPageSize - 1));
        var pages = _guard!.Prepare(page);
        var node = (nint*)(pages + (seat - page));
        // SAFETY: the field lies in the held bytes. Of those who compete for the seat, each writes this boot, or that it is unknown.
        Volatile.Write(ref *(uint*)(seat + RosterLayout.Boot), boot);
        var incarnation = (RosterMemory.Incarnation(both) + 1) & Participant.IncarnationMask;
        incarnation = incarnation == 0 ? 1 : incarnation;
        // SYNC roster.confirm: pairs with RosterMemory.ConfirmEnd. The claim carries whether a fence reaches this process, and is itself a full fence.
        var high = incarnation | (isRegistered ? RosterLayout.Registered : 0);
        var claim = ((ulong)high << 32) | RosterLayout.Waiters | (uint)_guard!.ThreadId;
        var joining = claim | ((ulong)(RosterLayout.Joining | (RosterLayout.SpaceOf(ProcessIdentity.PidNamespace) << RosterLayout.SpaceShift)) << 32);
        if (!_guard!.TryClaim((ulong*)seat, both, joining, node))
        {
            Kernel.UnmapPages(pages, 2);
            return false;
        }

        // SAFETY: as above. What a witness reads of the former owner is gone before it reads any of this one; until then it reads the claim.
        Volatile.Write(ref *(ulong*)(seat + RosterLayout.Namespace), 0);
        // SYNC roster.complete: pairs with RosterMemory.WitnessJoiner. On the kernel's list by now; until this swap nobody knows the participant, so losing the seat costs nothing.
        // SAFETY: as above.
        if (Interlocked.CompareExchange(ref *(ulong*)seat, claim, joining) != joining)
        {
            _guard!.Unlink(node);
            Kernel.UnmapPages(pages, 2);
            return false;
        }

        // SAFETY: as above; the namespace comes last, since it makes the other two count.
        Volatile.Write(ref *(uint*)(seat + RosterLayout.ProcessId), (uint)Environment.ProcessId);
        // SAFETY: as above.
        Volatile.Write(ref *(ulong*)(seat + RosterLayout.StartTime), ProcessIdentity.StartTime);
        // SAFETY: as above.
        Volatile.Write(ref *(ulong*)(seat + RosterLayout.Namespace), ProcessIdentity.Space);
        _number = number;
        _pages = pages;
        _node = node;
        Me = Participant.Of(number, incarnation).Value;
        return true;
    }

    /// <summary>Makes those look who slept on the seat's former life, or watch who joins.</summary>
    private unsafe void Announce()
    {
        Memory.PassOn(Memory.Life(_number));
        // SAFETY: the word lies in the held bytes.
        Interlocked.Increment(ref *Memory.Joins);
        Memory.PassOn(Memory.Joins);
    }

    /// <summary>Leaves; a wake-up that is refused keeps nothing back.</summary>
    private void Leave()
    {
        Me = 0;
        try
        {
            Watch.Stop();
        }
        finally
        {
            try
            {
                Vacate();
            }
            finally
            {
                Guards.Of(Kernel).Release(_guard!);
            }
        }
    }

    private unsafe void Vacate()
    {
        Me = 0;
        _guard!.Unlink(_node);
        // What the second witness reads stays: if this process is killed here, off the list and still in its seat, the witness finds it dead.
        var seat = Memory.SeatAt(_number);
        var both = Memory.Read(_number);
        // SAFETY: the seat lies in the held bytes; the incarnation stays. Only this process, or a witness that found it dead, changes the seat of a living one.
        Interlocked.CompareExchange(ref *(ulong*)seat, both & 0xFFFFFFFF00000000, both);
        try
        {
            Memory.PassOn(Memory.Life(_number));
            News.Tell();
        }
        finally
        {
            Kernel.UnmapPages(_pages, 2);
        }
    }
}
