using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory.Threading;

/// <summary>An event with a name, for all processes of the machine: <see cref="EventWaitHandle"/>'s words over a <see cref="SharedEvent"/>.</summary>
/// <remarks>The prefixes <c>Global\</c> and <c>Local\</c> are cut off: there is one namespace, <c>/dev/shm</c>.</remarks>
public sealed class NamedEvent : IDisposable
{
    private readonly NamedMemory _memory;
    private int _isDisposed;

    private NamedEvent(NamedMemory memory)
    {
        _memory = memory;
        Event = memory.OpenLock(static memory => SharedEvent.Open(memory.Mapping, memory.LockOffset));
    }

    /// <summary>Gets the event itself, with asynchronous waits.</summary>
    public SharedEvent Event { get; }

    private SharedEvent Usable
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
            return Event;
        }
    }

    /// <summary>Creates an event whose name is free.</summary>
    /// <exception cref="ArgumentException">The name is empty or not valid, or the mode is not defined.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EEXIST"/>: the name is taken. <see cref="Errno.ENAMETOOLONG"/>: it is longer than 255 bytes.</exception>
    public static NamedEvent Create(string name, bool initialState, EventResetMode mode, NamedOptions? options = null)
    {
        Check(mode);
        return new(NamedObject.Create(name, LockLayout.EventTag, static _ => SharedEvent.Size, options, memory => SharedEvent.At(memory.Mapping, memory.LockOffset, mode, initialState)));
    }

    /// <summary>Opens an event, or creates it.</summary>
    /// <param name="name">Its name, at most 255 bytes of UTF-8.</param>
    /// <param name="initialState">Whether a new event is set; an existing one keeps its state and mode.</param>
    /// <param name="mode">Whether one waiter goes on, or all of them.</param>
    /// <param name="createdNew">Whether this call created it.</param>
    /// <param name="options">For a new event.</param>
    /// <exception cref="ArgumentException">The name is empty or not valid, or the mode is not defined.</exception>
    /// <exception cref="WaitHandleCannotBeOpenedException">The name belongs to something else.</exception>
    public static NamedEvent OpenOrCreate(string name, bool initialState, EventResetMode mode, out bool createdNew, NamedOptions? options = null)
    {
        Check(mode);
        return new(NamedObject.OpenOrCreate(name, out createdNew, LockLayout.EventTag, [LockLayout.EventTag], static _ => SharedEvent.Size, options,
            memory => SharedEvent.At(memory.Mapping, memory.LockOffset, mode, initialState)));
    }

    /// <summary>Opens an existing event.</summary>
    /// <exception cref="WaitHandleCannotBeOpenedException">There is none, or the name belongs to something else.</exception>
    public static NamedEvent OpenExisting(string name) => new(NamedObject.OpenExisting(name, LockLayout.EventTag));

    /// <summary>Opens an existing event.</summary>
    /// <returns>False: there is none.</returns>
    /// <exception cref="WaitHandleCannotBeOpenedException">The name belongs to something else.</exception>
    public static bool TryOpenExisting(string name, [NotNullWhen(true)] out NamedEvent? result)
    {
        var memory = NamedMemory.TryOpen(NamedMemory.Plain(name), refusesAbandoned: true, LockLayout.EventTag);
        result = memory is null ? null : new(memory);
        return result is not null;
    }

    /// <summary>Waits until the event is set.</summary>
    public bool WaitOne() => Usable.Wait(Timeout.InfiniteTimeSpan);

    /// <summary>Waits until the event is set, or some milliseconds have passed; -1: as long as it takes.</summary>
    /// <returns>False: the timeout passed.</returns>
    public bool WaitOne(int millisecondsTimeout) => Usable.Wait(NamedObject.Milliseconds(millisecondsTimeout));

    /// <summary>Waits until the event is set, or a timeout has passed.</summary>
    /// <returns>False: the timeout passed.</returns>
    public bool WaitOne(TimeSpan timeout) => Usable.Wait(timeout);

    /// <summary>Sets the event.</summary>
    /// <returns>True, as <see cref="EventWaitHandle.Set"/>.</returns>
    public bool Set()
    {
        Usable.Set();
        return true;
    }

    /// <summary>Resets the event.</summary>
    /// <returns>True, as <see cref="EventWaitHandle.Reset"/>.</returns>
    public bool Reset()
    {
        Usable.Reset();
        return true;
    }

    /// <summary>Closes it.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _memory.Release();
        }
    }

    private static void Check(EventResetMode mode)
    {
        if (mode is not (EventResetMode.AutoReset or EventResetMode.ManualReset))
        {
            throw new ArgumentException("The value is not defined by the enumeration.", nameof(mode));
        }
    }
}
