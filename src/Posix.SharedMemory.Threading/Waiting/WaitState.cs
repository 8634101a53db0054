namespace Posix.SharedMemory.Threading;

/// <summary>What a waiter remembers between its attempts.</summary>
internal struct WaitState
{
    /// <summary>A waiter that has slept this long in all is patient: fresh arrivals queue behind it.</summary>
    private const long PatienceNanoseconds = 1_000_000;

    private long _sleptNanoseconds;
    private long _sinceLook;

    /// <summary>What the waiter saw when it began: a key, a sequence, a place.</summary>
    internal uint Key;

    /// <summary>When an asynchronous wait was last looked at.</summary>
    internal long Since;

    /// <summary>How the wait is to end; its target knows the meaning.</summary>
    internal int Mode;

    /// <summary>The participant whose death was found, or 0.</summary>
    internal uint Dead;

    /// <summary>The attempt must not change anything but by success: it is not followed by a sleep.</summary>
    internal bool IsTry;

    /// <summary>The last sleep ended by itself after a second: look for what the kernel could not tell.</summary>
    internal bool IsLook;

    /// <summary>The waiter has slept: the wake-up may have been meant for it, and others may sleep behind it.</summary>
    internal bool HasSlept { get; private set; }

    internal readonly bool IsPatient => _sleptNanoseconds > PatienceNanoseconds;

    internal void Slept(long nanoseconds, bool look)
    {
        HasSlept = true;
        // Sleeps that are cut into slices, or end for other reasons again and again, come to a look as well.
        _sinceLook = look ? 0 : _sinceLook + nanoseconds;
        IsLook = look || _sinceLook >= BlockingWait.LookEvery;
        _sinceLook = IsLook ? 0 : _sinceLook;
        _sleptNanoseconds += nanoseconds;
    }
}
