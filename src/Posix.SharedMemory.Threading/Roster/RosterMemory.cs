namespace Posix.SharedMemory.Threading;

/// <summary>The seats in shared memory, to be read by anybody: who is in them, and whether they live.</summary>
internal sealed class RosterMemory(HeldBytes bytes, int seats, Kernel kernel)
{
    /// <summary>In this time the threads of a process end that no fence reaches.</summary>
    internal const int MillisecondsOfGrace = 10;

    internal HeldBytes Bytes { get; } = bytes;

    internal int Seats { get; } = seats;

    internal Kernel Kernel { get; } = kernel;

    internal unsafe byte* SeatAt(int seat) => Bytes.First + RosterLayout.HeaderSize + (RosterLayout.SeatSize * (seat - 1));

    /// <summary>The seat's life and incarnation, as one value.</summary>
    internal unsafe ulong Read(int seat)
    {
        // SAFETY: the seat lies in the held bytes, at a multiple of 8.
        return Volatile.Read(ref *(ulong*)SeatAt(seat));
    }

    internal unsafe uint* Joins => (uint*)(Bytes.First + RosterLayout.Joins);

    internal unsafe uint* Life(int seat) => (uint*)(SeatAt(seat) + RosterLayout.Life);

    /// <summary>Whether a participant lives.</summary>
    /// <param name="life">The futex of its seat, and the value that it had.</param>
    /// <exception cref="InvalidDataException">The roster has no such seat.</exception>
    internal unsafe bool IsAlive(uint participant, out uint* life, out uint value)
    {
        var seat = new Participant(participant).Seat;
        if (seat == 0 || seat > Seats)
        {
            throw new InvalidDataException($"The bytes name seat {seat} as an owner; the roster has seats 1 to {Seats}. They were overwritten, or belong to another roster.");
        }

        var both = Read(seat);
        life = Life(seat);
        value = (uint)both;
        return Incarnation(both) == (participant & Participant.IncarnationMask) && IsTaken(both, seat);
    }

    /// <summary>Whether a participant lives; not, too, if there is no such seat.</summary>
    internal bool IsAlive(Participant participant)
    {
        var seat = participant.Seat;
        if ((participant.Value & Participant.Mark) == 0 || seat == 0 || seat > Seats)
        {
            return false;
        }

        var both = Read(seat);
        return Incarnation(both) == (uint)participant.Incarnation && IsTaken(both, seat);
    }

    /// <summary>Whether somebody living is in a seat that reads so.</summary>
    internal bool IsTaken(ulong both, int seat) => ((uint)both & RosterLayout.ThreadMask) != 0 && !ProcessIdentity.IsOfAnotherBoot(Field(seat, RosterLayout.Boot));

    internal static uint Incarnation(ulong both) => (uint)(both >> 32) & Participant.IncarnationMask;

    internal unsafe uint Field(int seat, int offset)
    {
        // SAFETY: the field lies in the held bytes, at a multiple of 4.
        return Volatile.Read(ref *(uint*)(SeatAt(seat) + offset));
    }

    internal unsafe ulong WideField(int seat, int offset)
    {
        // SAFETY: the field lies in the held bytes, at a multiple of 8.
        return Volatile.Read(ref *(ulong*)(SeatAt(seat) + offset));
    }

    /// <summary>Returns when no thread of an ended process can store any more.</summary>
    internal void ConfirmEnd(uint participant)
    {
        var both = Read(new Participant(participant).Seat);
        // A seat that has a new owner needs nothing: its claimer waited.
        if (Incarnation(both) != (participant & Participant.IncarnationMask))
        {
            return;
        }

        // SYNC roster.confirm: pairs with the registration in Seat.Claim. SIGKILL is pending on all threads of the dead before the kernel marks the seat, so a
        // processor that has answered the fence returns to the pending signal, not to the program.
        if (((uint)(both >> 32) & RosterLayout.Registered) == 0 || !Kernel.FenceAll())
        {
            Thread.Sleep(MillisecondsOfGrace);
        }
    }

    /// <summary>Tells all sleepers of a life that it has ended: the kernel wakes one of them only.</summary>
    internal unsafe void PassOn(uint* life) => Kernel.Wake(life, int.MaxValue);

    /// <summary>Looks for a death that the kernel could not mark: the process's number is gone, or has been given to another process.</summary>
    /// <returns>Whether the participant is found to be dead; its seat is then marked.</returns>
    internal bool Witness(uint participant)
    {
        var seat = new Participant(participant).Seat;
        var both = Read(seat);
        var space = WideField(seat, RosterLayout.Namespace);
        var process = Field(seat, RosterLayout.ProcessId);
        var started = WideField(seat, RosterLayout.StartTime);
        if (Incarnation(both) != (participant & Participant.IncarnationMask) || !IsTaken(both, seat) || Read(seat) != both)
        {
            return true;
        }

        if (RosterLayout.IsJoining(both))
        {
            return WitnessJoiner(seat, both);
        }

        if (space == 0 || process == 0 || started == 0 || space != ProcessIdentity.Space || !ProcessIdentity.ProcShowsThisNamespace)
        {
            return false;
        }

        var found = ProcessIdentity.StartTimeOf(process);
        // 0: the file is there, but says nothing that can be read. A /proc that hides the processes of others does not hide them from kill.
        if (found is 0 || found == started || (found is null && Kernel.Exists((int)process)))
        {
            return false;
        }

        MarkDead(seat, both);
        return true;
    }

    /// <summary>Looks for the death of a process between its claim and its place on the kernel's list: of it, the claim itself names thread and namespace.</summary>
    private bool WitnessJoiner(int seat, ulong both)
    {
        var space = ProcessIdentity.PidNamespace;
        if (space == 0 || !ProcessIdentity.ProcShowsThisNamespace || RosterLayout.SpaceIn(both) != RosterLayout.SpaceOf(space)
            || Kernel.Exists((int)((uint)both & RosterLayout.ThreadMask)))
        {
            return false;
        }

        // SYNC roster.complete: pairs with Seat.TryClaim. Should it live all the same, in a namespace of the same bits, it finds that the seat has changed.
        MarkDead(seat, both);
        return true;
    }

    /// <summary>Marks a seat as the kernel would, unless it has changed.</summary>
    internal unsafe void MarkDead(int seat, ulong both)
    {
        var dead = (both & 0xFFFFFFFF00000000) | RosterLayout.Waiters | RosterLayout.Died;
        // SAFETY: the seat lies in the held bytes, at a multiple of 8.
        if (Interlocked.CompareExchange(ref *(ulong*)SeatAt(seat), dead, both) == both)
        {
            PassOn(Life(seat));
        }
    }

    /// <summary>Whether anybody living is registered for fences, and so may notify without a fence of its own.</summary>
    internal bool AnyRegistered()
    {
        for (var seat = 1; seat <= Seats; seat++)
        {
            var both = Read(seat);
            if (((uint)(both >> 32) & RosterLayout.Registered) != 0 && ((uint)both & RosterLayout.ThreadMask) != 0)
            {
                return true;
            }
        }

        return false;
    }

    internal List<Participant> GetParticipants()
    {
        var living = new List<Participant>();
        for (var seat = 1; seat <= Seats; seat++)
        {
            var both = Read(seat);
            if (IsTaken(both, seat) && !RosterLayout.IsJoining(both))
            {
                living.Add(Participant.Of(seat, Incarnation(both)));
            }
        }

        return living;
    }
}
