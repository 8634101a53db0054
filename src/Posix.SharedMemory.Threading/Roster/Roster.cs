namespace Posix.SharedMemory.Threading;

/// <summary>The processes that take part, with one seat each in shared memory. The kernel marks the seat of a process that ends, however it ends.</summary>
/// <remarks>
/// Locks name their owner by its participant, so every process that uses a lock can find out whether the owner lives. Process numbers and clocks prove nothing here: the kernel
/// marks the seat through the robust list of a guard thread, usually within a millisecond, and across PID namespaces.
/// <see href="https://man7.org/linux/man-pages/man2/set_robust_list.2.html">set_robust_list(2)</see>
/// </remarks>
public sealed class Roster : IDisposable
{
    /// <summary>The number of seats where none is given.</summary>
    public const int DefaultSeats = 63;

    private readonly RosterMemory _memory;
    private readonly Seat? _seat;
    private readonly Participant _self;
    private readonly Lock _gate = new();
    private Seat? _observer;
    private WaitQueue? _ends;
    private EventHandler<ParticipantEndedEventArgs>? _ended;
    private int _isDisposed;

    private Roster(RosterMemory memory, Seat? seat)
    {
        _memory = memory;
        _seat = seat;
        _self = new(seat?.Me ?? 0);
    }

    /// <summary>Raised on the thread pool when another participant has left or died. Watching begins with the first handler.</summary>
    /// <exception cref="InvalidOperationException">The roster is only observed.</exception>
    public event EventHandler<ParticipantEndedEventArgs>? Ended
    {
        add
        {
            var seat = Seat;
            lock (_gate)
            {
                if (_ended is null)
                {
                    seat.Watch.Ended += OnEnded;
                }

                _ended += value;
            }

            try
            {
                seat.Watch.Start();
            }
            catch
            {
                Ended -= value;
                throw;
            }
        }

        remove
        {
            lock (_gate)
            {
                _ended -= value;
                if (_ended is null)
                {
                    Seat.Watch.Ended -= OnEnded;
                }
            }
        }
    }

    /// <summary>Gets how many processes can take part at once.</summary>
    public int Seats => _memory.Seats;

    /// <summary>Gets this process as a participant.</summary>
    /// <exception cref="InvalidOperationException">The roster is only observed.</exception>
    public Participant Self => _seat is null ? throw Observing() : _self;

    /// <summary>Gets what locks over this roster stand on.</summary>
    internal Seat Seat => _seat ?? throw Observing();

    internal Seat? SeatOrNone => _seat;

    /// <summary>Gets what locks stand on that an observer may look at.</summary>
    internal Seat SeatForLooks => _seat ?? (_observer ??= new(_memory));

    internal RosterMemory Memory => _memory;

    /// <summary>How many bytes a roster takes: 64 and 32 for each seat, rounded up to a multiple of 64.</summary>
    /// <param name="seats">1 to 1,023.</param>
    public static long SizeFor(int seats = DefaultSeats)
    {
        CheckSeats(seats);
        return RosterLayout.SizeFor(seats);
    }

    /// <summary>Takes a seat. Bytes that are all zero are an empty roster: the first process to come makes it, without a race.</summary>
    /// <param name="mapping">A shared mapping for reading and writing.</param>
    /// <param name="offset">A multiple of 64, in bytes.</param>
    /// <param name="seats">How many processes can take part at once; the same for all of them.</param>
    /// <param name="options">How to join.</param>
    /// <exception cref="InvalidDataException">The bytes are something else, or a roster of another size or version.</exception>
    /// <exception cref="RosterFullException">All seats are taken by living processes.</exception>
    /// <exception cref="PlatformNotSupportedException">This system does not mark the seats of processes that die: it is not Linux.</exception>
    /// <exception cref="ArgumentException">The mapping is read-only, or the offset is not a multiple of 64.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EINVAL"/>: the mapping is private, or consists of huge pages. <see cref="Errno.ENOMEM"/>: the process has too many mappings.
    /// </exception>
    /// <remarks>
    /// Joining at the same place of the same <see cref="MemoryMapping"/> again gives the same seat; the last <see cref="Dispose"/> leaves it. Another mapping of the same
    /// memory is another participant. <see href="https://man7.org/linux/man-pages/man2/mremap.2.html">mremap(2)</see>
    /// </remarks>
    public static Roster Join(MemoryMapping mapping, long offset = 0, int seats = DefaultSeats, RosterOptions? options = null) =>
        Join(Kernel.Current, mapping, offset, seats, options);

    /// <summary>As the public one, over a kernel whose calls a test makes fail.</summary>
    internal static Roster Join(Kernel kernel, MemoryMapping mapping, long offset, int seats, RosterOptions? options)
    {
        CheckSeats(seats);
        kernel.RequireSeats();
        var seat = Seat.Take(kernel, mapping, offset, seats, options?.OwnGuard ?? false);
        return new(seat.Memory, seat);
    }

    /// <summary>Looks at a roster without a seat, also through a read-only mapping: for tools and status. No byte is written.</summary>
    /// <remarks>
    /// <see cref="GetParticipants"/>, <see cref="IsAlive"/>, <see cref="GetProcessId"/> and what locks over it show (holder, writer, counts, sleepers) work; everything else
    /// throws <see cref="InvalidOperationException"/>, and so does <see cref="SharedBarrier"/>, which shows nothing.
    /// </remarks>
    /// <exception cref="InvalidDataException">There is no roster of version 1 at the offset.</exception>
    public static unsafe Roster Observe(MemoryMapping mapping, long offset = 0)
    {
        var head = HeldBytes.TakeForReading(mapping, offset, RosterLayout.HeaderSize, RosterLayout.Alignment);
        // SAFETY: the header lies in the held bytes, at a multiple of 64.
        var header = Volatile.Read(ref *(ulong*)head.First);
        var seats = (int)(header >> 48);
        if ((header & 0xFFFFFFFFFFFF) != RosterLayout.Magic || seats is < 1 or > RosterLayout.MostSeats || RosterLayout.SizeFor(seats) > mapping.Length - offset)
        {
            throw new InvalidDataException($"The bytes at offset {offset} are not a roster of version 1.");
        }

        return new(new(HeldBytes.TakeForReading(mapping, offset, RosterLayout.SizeFor(seats), RosterLayout.Alignment), seats, Kernel.Current), null);
    }

    /// <summary>Gets the living participants, ordered by seat, including this process.</summary>
    public IReadOnlyList<Participant> GetParticipants() => _memory.GetParticipants();

    /// <summary>Whether a participant lives. Costs a few loads and no system call.</summary>
    public bool IsAlive(Participant participant) => _memory.IsAlive(participant);

    /// <summary>Completes when a participant has left or died; at once if it already has.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    /// <exception cref="InvalidOperationException">The roster is only observed.</exception>
    /// <exception cref="ObjectDisposedException">This process has left the roster.</exception>
    public Task WaitForEndAsync(Participant participant, CancellationToken cancellationToken = default)
    {
        var seat = Seat;
        seat.Require();
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled(cancellationToken);
        }

        if (!_memory.IsAlive(participant))
        {
            return Task.CompletedTask;
        }

        lock (_gate)
        {
            _ends ??= new(seat.Kernel.Service, wakesAll: true);
        }

        return _ends.WaitWithoutResultAsync(new ParticipantEnd(seat, participant), default, synchronously: false, cancellationToken).AsTask();
    }

    /// <summary>
    /// Returns when no thread of an ended participant can store to shared memory any more: what it owned may then be reclaimed. The kernel marks a seat an instant before
    /// the last thread of the process has stopped.
    /// </summary>
    /// <exception cref="InvalidOperationException">The participant lives, or the roster is only observed.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/membarrier.2.html">membarrier(2)</see></remarks>
    public void ConfirmEnd(Participant participant)
    {
        Seat.Require();
        CheckParticipant(participant);
        if (_memory.IsAlive(participant))
        {
            throw new InvalidOperationException($"The participant in seat {participant.Seat} lives.");
        }

        _memory.ConfirmEnd(participant.Value);
    }

    /// <summary>The participant's process number, as that process sees itself: for people, since another PID namespace gives it another number.</summary>
    /// <returns><see langword="null"/>: the seat has another life by now, or the number is not known.</returns>
    public int? GetProcessId(Participant participant)
    {
        var seat = participant.Seat;
        if (seat == 0 || seat > Seats || RosterMemory.Incarnation(_memory.Read(seat)) != (uint)participant.Incarnation)
        {
            return null;
        }

        var process = (int)_memory.Field(seat, RosterLayout.ProcessId);
        return process > 0 && RosterMemory.Incarnation(_memory.Read(seat)) == (uint)participant.Incarnation ? process : null;
    }

    /// <summary>The end of a participant, to be waited for together with other things: <see cref="SharedWait"/>.</summary>
    /// <exception cref="InvalidOperationException">The roster is only observed.</exception>
    public ISharedWaitable GetEnd(Participant participant)
    {
        CheckParticipant(participant);
        return new ParticipantEnd(Seat, participant);
    }

    /// <summary>Leaves the roster, if no other <see cref="Roster"/> of this process shares the seat. Locks that this process still holds are then found abandoned by others.</summary>
    public void Dispose()
    {
        if (_seat is null || Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        _seat.Watch.Ended -= OnEnded;
        _seat.Release();
    }

    private void OnEnded(object? sender, ParticipantEndedEventArgs arguments) => _ended?.Invoke(this, arguments);

    private void CheckParticipant(Participant participant)
    {
        if ((participant.Value & Participant.Mark) == 0 || participant.Seat is 0 || participant.Seat > Seats)
        {
            throw new ArgumentException($"{participant} is not a participant of this roster.", nameof(participant));
        }
    }

    private static void CheckSeats(int seats)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(seats, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(seats, RosterLayout.MostSeats);
    }

    internal static InvalidOperationException Observing() => new("The roster is only observed: join it to take part.");
}
