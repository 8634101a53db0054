namespace Posix.SharedMemory;

/// <summary>A turn at changing the length of an object, which one thread of one process has at a time, until this is disposed.</summary>
internal readonly ref struct LinuxTurn(LinuxMembership locks, OpenObject? locked, LinuxTurnstile? turnstile) : IDisposable
{
    public void Dispose()
    {
        if (locked is { } target)
        {
            locks.Release(target, RecordLock.Growth);
        }

        if (turnstile is not null)
        {
            Monitor.Exit(turnstile);
        }
    }
}
