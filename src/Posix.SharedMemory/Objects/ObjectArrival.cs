namespace Posix.SharedMemory;

/// <summary>Waits until an object exists and has a length, and opens it.</summary>
internal sealed class ObjectArrival(Platform platform, ObjectName name, FileAccess access, long minimumLength)
{
    /// <summary>How often to check where the system does not report what happens to names.</summary>
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(100);

    internal async ValueTask<SharedMemoryObject> WaitAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (TryOpen() is { } present)
        {
            return present;
        }

        using var watch = platform.Names.Watch(name);
        return watch is null
            ? await PollAsync(cancellationToken).ConfigureAwait(false)
            : await WatchAsync(watch, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<SharedMemoryObject> WatchAsync(NameWatch watch, CancellationToken cancellationToken)
    {
        while (true)
        {
            // The watches come before the check: what happens after it is reported.
            var isFollowed = watch.Follow();
            if (TryOpen() is { } memory)
            {
                return memory;
            }

            if (!isFollowed)
            {
                return await PollAsync(cancellationToken).ConfigureAwait(false);
            }

            do
            {
                await ReadinessThread.WaitAsync(platform.Wire, watch.Handle, forWriting: false, isOurs: true, cancellationToken).ConfigureAwait(false);
            }
            while (!watch.Read());
        }
    }

    private async ValueTask<SharedMemoryObject> PollAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(s_interval, cancellationToken).ConfigureAwait(false);
            if (TryOpen() is { } memory)
            {
                return memory;
            }
        }
    }

    /// <summary>
    /// Opens the object, if it is ready. Its length is checked before it is opened: a process that opens an object with members becomes one of them, and closing it might then
    /// remove the name.
    /// </summary>
    private SharedMemoryObject? TryOpen()
    {
        using var _ = Platform.Substitute(platform);
        if (platform.Names.Find(name) is { } status && status.Length < minimumLength && status.Identity != default)
        {
            return null;
        }

        var error = ObjectOpening.TryOpen(name, FileMode.Open, access, default, Joining.WithMembers, refusesAbandoned: false, out var memory);
        if (memory is null)
        {
            return error == Errno.ENOENT ? null : throw NamingFailure.Of(error, "shm_open", name);
        }

        var isReady = false;
        try
        {
            // Another process may have replaced the object between the two.
            isReady = memory.Length >= minimumLength;
            return isReady ? memory : null;
        }
        finally
        {
            if (!isReady)
            {
                memory.DisposeKeepingLocks();
            }
        }
    }
}
