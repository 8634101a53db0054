using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Threading.Schedules;

/// <summary>A thread of a process, of which the scheduler lets one go on at a time, from one access to shared memory to the next.</summary>
internal sealed class Actor
{
    private const int MostPointsAfterEnd = 100_000;

    [ThreadStatic]
    private static Actor? t_current;

    private readonly SemaphoreSlim _turn = new(0);
    private readonly Action _act;
    private readonly Thread _thread;
    private readonly Queue<(nuint Address, int Size, ulong Value)> _stores = [];
    private int _pointsAfterEnd;

    internal Actor(Schedule schedule, Process process, string name, Action act)
    {
        Schedule = schedule;
        Process = process;
        Name = name;
        _act = act;
        _thread = new(Run, maxStackSize: 512 << 10) { IsBackground = true, Name = name };
    }

    /// <summary>Gets the actor that runs on this thread; <see langword="null"/> on all others.</summary>
    internal static Actor? Current => t_current;

    internal Schedule Schedule { get; }

    internal Process Process { get; }

    internal string Name { get; }

    internal bool HasEnded { get; private set; }

    /// <summary>Gets or sets a priority; where a schedule goes by priorities, the highest that can go on does.</summary>
    internal int Priority { get; set; }

    /// <summary>Gets or sets the words on which it sleeps, in its process's addresses; <see langword="null"/>: it does not.</summary>
    internal List<(nuint Key, uint Value)>? Sleep { get; set; }

    internal long SleepsSince { get; set; }

    internal long SleepsUntil { get; set; }

    internal bool HasTimedOut { get; set; }

    /// <summary>Gets or sets whether it waits for the death of a process.</summary>
    internal bool AwaitsDeath { get; set; }

    internal bool CanRun => !HasEnded && !Process.IsStopped && Sleep is null && !AwaitsDeath;

    internal bool HasStores => _stores.Count > 0;

    internal void Start() => _thread.Start();

    internal void Resume() => _turn.Release();

    internal void AwaitTurn() => _turn.Wait();

    internal void Join() => _thread.Join();

    /// <summary>Another actor may go on here.</summary>
    internal void Point(string act, string member, nuint address, ulong value)
    {
        if (!Schedule.IsOver)
        {
            Schedule.Note(this, act, member, address, value);
            Schedule.Switch(this);
        }

        if (Schedule.IsOver && (_pointsAfterEnd++ == 0 || _pointsAfterEnd > MostPointsAfterEnd))
        {
            throw new Unwound();
        }
    }

    internal unsafe T Load<T>(ref readonly T location, string member)
        where T : unmanaged
    {
        var address = (nuint)Unsafe.AsPointer(ref Unsafe.AsRef(in location));
        if (!Schedule.Arena.Contains(address))
        {
            return location;
        }

        Point("load", member, address, 0);
        // The latest of its own stores, although nobody else has seen it yet.
        foreach (var store in _stores.Reverse())
        {
            if (store.Address == address && store.Size == sizeof(T))
            {
                var value = store.Value;
                return *(T*)&value;
            }
        }

        return location;
    }

    internal unsafe void Store<T>(ref T location, T value, string member)
        where T : unmanaged
    {
        var address = (nuint)Unsafe.AsPointer(ref location);
        if (!Schedule.Arena.Contains(address))
        {
            location = value;
            return;
        }

        ulong bits = 0;
        *(T*)&bits = value;
        Point("store", member, address, bits);
        _stores.Enqueue((address, sizeof(T), bits));
    }

    /// <summary>Before an atomic operation.</summary>
    internal unsafe void Swap<T>(ref T location, T value, string member)
        where T : unmanaged
    {
        var address = (nuint)Unsafe.AsPointer(ref location);
        if (Schedule.Arena.Contains(address))
        {
            ulong bits = 0;
            *(T*)&bits = value;
            Point("swap", member, address, bits);
            Drain();
        }
    }

    internal void Fence()
    {
        Point("fence", "", 0, 0);
        Drain();
    }

    /// <summary>Everybody sees what it has stored.</summary>
    internal void Drain()
    {
        while (_stores.Count > 0)
        {
            DrainOne();
        }
    }

    internal unsafe void DrainOne()
    {
        var (address, size, value) = _stores.Dequeue();
        if (size == sizeof(uint))
        {
            *(uint*)address = (uint)value;
        }
        else
        {
            *(ulong*)address = value;
        }
    }

    private void Run()
    {
        AwaitTurn();
        t_current = this;
        try
        {
            Point("begin", "", 0, 0);
            _act();
        }
        catch (Unwound)
        {
            // The end of the schedule.
        }
        catch (Exception e)
        {
            Schedule.Fail(e.ToString());
        }

        t_current = null;
        HasEnded = true;
        Schedule.Leave(this);
    }
}
