namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The public members are those that programs are written against: their names, parameters and defaults, written here by hand.</summary>
public sealed class Declaring
{
    /// <summary>One line a member. Every token is called <c>cancellationToken</c>, in all packages.</summary>
    private const string Members = """
        Roster: const int DefaultSeats = 63
        Roster: static long SizeFor(int seats = 63)
        Roster: static Roster Join(MemoryMapping mapping, long offset = 0, int seats = 63, RosterOptions options = null)
        Roster: static Roster Observe(MemoryMapping mapping, long offset = 0)
        Roster: int Seats { get; }
        Roster: Participant Self { get; }
        Roster: IReadOnlyList<Participant> GetParticipants()
        Roster: bool IsAlive(Participant participant)
        Roster: Task WaitForEndAsync(Participant participant, CancellationToken cancellationToken = default)
        Roster: event EventHandler<ParticipantEndedEventArgs> Ended
        Roster: void ConfirmEnd(Participant participant)
        Roster: int? GetProcessId(Participant participant)
        Roster: ISharedWaitable GetEnd(Participant participant)
        Roster: void Dispose()
        Participant: new(uint Value)
        Participant: uint Value { get; init; }
        Participant: int Seat { get; }
        Participant: int Incarnation { get; }
        ParticipantEndedEventArgs: Participant Participant { get; }
        ParticipantEndedEventArgs: bool Died { get; }
        RosterOptions: new()
        RosterOptions: bool OwnGuard { get; init; }
        SharedMutex: const int Size = 16
        SharedMutex: static SharedMutex At(Roster roster, long offset)
        SharedMutex: static SharedMutex At(Roster roster, MemoryMapping mapping, long offset)
        SharedMutex: MutexHold Enter(CancellationToken cancellationToken = default)
        SharedMutex: MutexHold Enter(Action repair, CancellationToken cancellationToken = default)
        SharedMutex: bool TryEnter(out MutexHold hold)
        SharedMutex: bool TryEnterUnrepaired(out MutexHold hold)
        SharedMutex: bool TryEnter(TimeSpan timeout, out MutexHold hold, CancellationToken cancellationToken = default)
        SharedMutex: ValueTask<MutexHold> EnterAsync(CancellationToken cancellationToken = default)
        SharedMutex: ValueTask<MutexHold> EnterAsync(Func<CancellationToken, ValueTask> repair, CancellationToken cancellationToken = default)
        SharedMutex: MutexHold EnterUnrepaired(CancellationToken cancellationToken = default)
        SharedMutex: ValueTask<MutexHold> EnterUnrepairedAsync(CancellationToken cancellationToken = default)
        SharedMutex: bool IsHeld { get; }
        SharedMutex: bool IsInconsistent { get; }
        SharedMutex: Participant? Holder { get; }
        MutexHold: bool OwnerDied { get; }
        MutexHold: void MarkConsistent()
        MutexHold: void Retire()
        MutexHold: void Dispose()
        ReaderLayout: const ReaderLayout Spread = 0
        ReaderLayout: const ReaderLayout Compact = 1
        SharedReaderWriterLock: static int SizeFor(int seats = 63, ReaderLayout layout = Spread)
        SharedReaderWriterLock: static SharedReaderWriterLock At(Roster roster, long offset, ReaderLayout layout = Spread)
        SharedReaderWriterLock: static SharedReaderWriterLock At(Roster roster, MemoryMapping mapping, long offset, ReaderLayout layout = Spread)
        SharedReaderWriterLock: ReadHold EnterRead(CancellationToken cancellationToken = default)
        SharedReaderWriterLock: bool TryEnterRead(out ReadHold hold)
        SharedReaderWriterLock: bool TryEnterRead(TimeSpan timeout, out ReadHold hold, CancellationToken cancellationToken = default)
        SharedReaderWriterLock: ValueTask<ReadHold> EnterReadAsync(CancellationToken cancellationToken = default)
        SharedReaderWriterLock: ReadHold EnterReadUnrepaired(CancellationToken cancellationToken = default)
        SharedReaderWriterLock: bool TryEnterReadUnrepaired(out ReadHold hold)
        SharedReaderWriterLock: ValueTask<ReadHold> EnterReadUnrepairedAsync(CancellationToken cancellationToken = default)
        SharedReaderWriterLock: WriteHold EnterWrite(CancellationToken cancellationToken = default)
        SharedReaderWriterLock: WriteHold EnterWrite(Action repair, CancellationToken cancellationToken = default)
        SharedReaderWriterLock: bool TryEnterWrite(out WriteHold hold)
        SharedReaderWriterLock: bool TryEnterWriteUnrepaired(out WriteHold hold)
        SharedReaderWriterLock: bool TryEnterWrite(TimeSpan timeout, out WriteHold hold, CancellationToken cancellationToken = default)
        SharedReaderWriterLock: ValueTask<WriteHold> EnterWriteAsync(CancellationToken cancellationToken = default)
        SharedReaderWriterLock: ValueTask<WriteHold> EnterWriteAsync(Func<CancellationToken, ValueTask> repair, CancellationToken cancellationToken = default)
        SharedReaderWriterLock: WriteHold EnterWriteUnrepaired(CancellationToken cancellationToken = default)
        SharedReaderWriterLock: ValueTask<WriteHold> EnterWriteUnrepairedAsync(CancellationToken cancellationToken = default)
        ReadHold: bool OwnerDied { get; }
        ReadHold: void MarkConsistent()
        ReadHold: void Dispose()
        WriteHold: bool OwnerDied { get; }
        WriteHold: void MarkConsistent()
        WriteHold: void Retire()
        WriteHold: void Dispose()
        SharedSemaphore: const int Size = 16
        SharedSemaphore: static int SizeForReturning(int seats = 63)
        SharedSemaphore: static SharedSemaphore At(MemoryMapping mapping, long offset, int initialCount, int maximumCount = 2147483647)
        SharedSemaphore: static SharedSemaphore Open(MemoryMapping mapping, long offset)
        SharedSemaphore: static SharedSemaphore ReturningAt(Roster roster, long offset, int maximumCount)
        SharedSemaphore: static SharedSemaphore ReturningAt(Roster roster, MemoryMapping mapping, long offset, int maximumCount)
        SharedSemaphore: void Wait(CancellationToken cancellationToken = default)
        SharedSemaphore: bool Wait(TimeSpan timeout, CancellationToken cancellationToken = default)
        SharedSemaphore: bool TryWait()
        SharedSemaphore: ValueTask WaitAsync(CancellationToken cancellationToken = default)
        SharedSemaphore: ValueTask<bool> WaitAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
        SharedSemaphore: int Release(int releaseCount = 1)
        SharedSemaphore: int CurrentCount { get; }
        SharedSemaphore: int MaximumCount { get; }
        SharedEvent: const int Size = 8
        SharedEvent: static SharedEvent At(MemoryMapping mapping, long offset, EventResetMode mode, bool initialState = false)
        SharedEvent: static SharedEvent Open(MemoryMapping mapping, long offset)
        SharedEvent: void Set()
        SharedEvent: void Reset()
        SharedEvent: bool IsSet { get; }
        SharedEvent: void Wait(CancellationToken cancellationToken = default)
        SharedEvent: bool Wait(TimeSpan timeout, CancellationToken cancellationToken = default)
        SharedEvent: ValueTask WaitAsync(CancellationToken cancellationToken = default)
        SharedEvent: ValueTask<bool> WaitAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
        SharedCondition: const int Size = 8
        SharedCondition: static SharedCondition At(MemoryMapping mapping, long offset)
        SharedCondition: void Wait(in MutexHold hold, CancellationToken cancellationToken = default)
        SharedCondition: bool Wait(in MutexHold hold, TimeSpan timeout, CancellationToken cancellationToken = default)
        SharedCondition: ValueTask WaitAsync(MutexHold hold, CancellationToken cancellationToken = default)
        SharedCondition: void Pulse()
        SharedCondition: void PulseAll()
        SharedBarrier: static int SizeFor(int participants)
        SharedBarrier: static SharedBarrier At(Roster roster, long offset, int participants)
        SharedBarrier: static SharedBarrier At(Roster roster, MemoryMapping mapping, long offset, int participants)
        SharedBarrier: BarrierResult SignalAndWait(CancellationToken cancellationToken = default)
        SharedBarrier: ValueTask<BarrierResult> SignalAndWaitAsync(CancellationToken cancellationToken = default)
        BarrierResult: const BarrierResult Passed = 0
        BarrierResult: const BarrierResult Last = 1
        BarrierResult: const BarrierResult Broken = 2
        SharedOnce: const int Size = 8
        SharedOnce: static SharedOnce At(Roster roster, long offset)
        SharedOnce: static SharedOnce At(Roster roster, MemoryMapping mapping, long offset)
        SharedOnce: bool IsDone { get; }
        SharedOnce: bool Run(Action initialize, CancellationToken cancellationToken = default)
        SharedOnce: ValueTask<bool> RunAsync(Func<CancellationToken, ValueTask> initialize, CancellationToken cancellationToken = default)
        SharedWord: static SharedWord At(MemoryMapping mapping, long offset)
        SharedWord: ref uint Value { get; }
        SharedWord: WordWait Wait(uint whileEqual, TimeSpan timeout, CancellationToken cancellationToken = default)
        SharedWord: ValueTask WaitAsync(uint whileEqual, CancellationToken cancellationToken = default)
        SharedWord: int Wake(int count = 2147483647)
        WordWait: const WordWait Changed = 0
        WordWait: const WordWait TimedOut = 1
        SharedEventCount: const int Size = 8
        SharedEventCount: static SharedEventCount At(Roster roster, long offset)
        SharedEventCount: static SharedEventCount At(Roster roster, MemoryMapping mapping, long offset)
        SharedEventCount: bool NotifyAll()
        SharedEventCount: bool AllowSynchronousContinuations { get; set; }
        SharedEventCount: bool HasWaiters { get; }
        SharedEventCount: EventCountKey PrepareWait()
        SharedEventCount: void CancelWait(EventCountKey key)
        SharedEventCount: bool Wait(EventCountKey key, TimeSpan timeout, CancellationToken cancellationToken = default)
        SharedEventCount: ValueTask WaitAsync(EventCountKey key, CancellationToken cancellationToken = default)
        SharedWait: static int WaitAny(ReadOnlySpan<ISharedWaitable> waitables, TimeSpan timeout, CancellationToken cancellationToken = default)
        SharedWait: static ValueTask<int> WaitAnyAsync(ReadOnlyMemory<ISharedWaitable> waitables, CancellationToken cancellationToken = default)
        OwnerDiedException: Participant? Dead { get; }
        NamedMutex: static NamedMutex Create(string name, NamedOptions options = null)
        NamedMutex: static NamedMutex OpenOrCreate(string name, out bool createdNew, NamedOptions options = null)
        NamedMutex: static NamedMutex OpenExisting(string name)
        NamedMutex: static bool TryOpenExisting(string name, out NamedMutex result)
        NamedMutex: SharedMutex Lock { get; }
        NamedMutex: bool WaitOne()
        NamedMutex: bool WaitOne(int millisecondsTimeout)
        NamedMutex: bool WaitOne(TimeSpan timeout)
        NamedMutex: void ReleaseMutex()
        NamedMutex: void Dispose()
        NamedSemaphore: static NamedSemaphore Create(string name, int initialCount, int maximumCount, NamedOptions options = null)
        NamedSemaphore: static NamedSemaphore OpenOrCreate(string name, int initialCount, int maximumCount, out bool createdNew, NamedOptions options = null)
        NamedSemaphore: static NamedSemaphore OpenExisting(string name)
        NamedSemaphore: static bool TryOpenExisting(string name, out NamedSemaphore result)
        NamedSemaphore: SharedSemaphore Semaphore { get; }
        NamedSemaphore: bool WaitOne()
        NamedSemaphore: bool WaitOne(int millisecondsTimeout)
        NamedSemaphore: bool WaitOne(TimeSpan timeout)
        NamedSemaphore: int Release(int releaseCount = 1)
        NamedSemaphore: void Dispose()
        NamedEvent: static NamedEvent Create(string name, bool initialState, EventResetMode mode, NamedOptions options = null)
        NamedEvent: static NamedEvent OpenOrCreate(string name, bool initialState, EventResetMode mode, out bool createdNew, NamedOptions options = null)
        NamedEvent: static NamedEvent OpenExisting(string name)
        NamedEvent: static bool TryOpenExisting(string name, out NamedEvent result)
        NamedEvent: SharedEvent Event { get; }
        NamedEvent: bool WaitOne()
        NamedEvent: bool WaitOne(int millisecondsTimeout)
        NamedEvent: bool WaitOne(TimeSpan timeout)
        NamedEvent: bool Set()
        NamedEvent: bool Reset()
        NamedEvent: void Dispose()
        NamedOptions: new()
        NamedOptions: UnixFileMode Permissions { get; init; }
        NamedOptions: Lifetime Lifetime { get; init; }
        NamedOptions: bool ReturnPermitsOfTheDead { get; init; }
        NamedOptions: int Seats { get; init; }
        PosixSemaphore: static PosixSemaphore OpenOrCreate(string name, int initialCount, out bool createdNew, UnixFileMode permissions = UserWrite, UserRead)
        PosixSemaphore: static PosixSemaphore Open(string name)
        PosixSemaphore: static PosixSemaphore At(MemoryMapping mapping, long offset)
        PosixSemaphore: static void Unlink(string name)
        PosixSemaphore: static bool TryUnlink(string name)
        PosixSemaphore: void Wait(CancellationToken cancellationToken = default)
        PosixSemaphore: bool Wait(TimeSpan timeout, CancellationToken cancellationToken = default)
        PosixSemaphore: bool TryWait()
        PosixSemaphore: ValueTask WaitAsync(CancellationToken cancellationToken = default)
        PosixSemaphore: ValueTask<bool> WaitAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
        PosixSemaphore: int Release(int releaseCount = 1)
        PosixSemaphore: int CurrentCount { get; }
        PosixSemaphore: void Dispose()
        PosixMutex: const int Size = 64
        PosixMutex: static PosixMutex At(MemoryMapping mapping, long offset)
        PosixMutex: PosixMutexHold Enter(CancellationToken cancellationToken = default)
        """;

    [Fact]
    [Rule("members.declared")]
    public void Every_member_has_the_name_the_parameters_and_the_defaults_of_the_list()
    {
        var declared = typeof(Roster).Assembly.GetExportedTypes().SelectMany(Signatures.Of).ToHashSet(StringComparer.Ordinal);
        Assert.Equal([], Members.Split('\n').Where(line => !declared.Contains(line)));
    }

    [Fact]
    [Rule("members.declared")]
    public void Every_token_is_called_cancellationToken()
    {
        var others = from type in typeof(Roster).Assembly.GetExportedTypes()
                     from method in type.GetMethods()
                     from parameter in method.GetParameters()
                     where parameter.ParameterType == typeof(CancellationToken) && parameter.Name != "cancellationToken"
                     select $"{type.Name}.{method.Name}({parameter.Name})";
        Assert.Equal([], others);
    }

    [Fact]
    [Rule("members.declared")]
    public void Types_are_of_the_kinds_that_programs_rely_on()
    {
        Assert.All([typeof(MutexHold), typeof(ReadHold), typeof(WriteHold), typeof(Participant), typeof(EventCountKey)], type => Assert.True(type.IsValueType));
        Assert.All([typeof(MutexHold), typeof(ReadHold), typeof(WriteHold), typeof(Roster), typeof(NamedMutex), typeof(NamedSemaphore), typeof(NamedEvent), typeof(PosixSemaphore)],
            type => Assert.True(typeof(IDisposable).IsAssignableFrom(type)));
        Assert.All([typeof(SharedEvent), typeof(SharedSemaphore)], type => Assert.True(typeof(ISharedWaitable).IsAssignableFrom(type)));
        Assert.True(typeof(PosixMutexHold).IsByRefLike);
        Assert.True(typeof(LockLostException).IsSubclassOf(typeof(SynchronizationLockException)));
        Assert.All([typeof(OwnerDiedException), typeof(RetiredException), typeof(RosterFullException)], type => Assert.Equal(typeof(Exception), type.BaseType));
        Assert.True(typeof(ParticipantEndedEventArgs).IsSubclassOf(typeof(EventArgs)));
        Assert.Equal(4, System.Runtime.CompilerServices.Unsafe.SizeOf<Participant>());
        Assert.Equal(16, System.Runtime.CompilerServices.Unsafe.SizeOf<MutexHold>());
    }
}
