namespace Posix.SharedMemory.Channels;

/// <summary>An object message as it came over the socket: nothing but its first bytes was checked.</summary>
/// <param name="Carried">What came with the first byte; <see langword="null"/>: no descriptor.</param>
/// <param name="Announced">The object's length, as its sender says.</param>
internal readonly record struct ReceivedObject(HandleReceiveResult? Carried, long Announced) : IDisposable
{
    /// <summary>Asks the kernel what the descriptor is. If this throws, the caller closes it.</summary>
    /// <exception cref="InvalidDataException">It is not what it must be.</exception>
    internal SharedMemoryObject Accept(MemorySeals required)
    {
        if (Carried is null || Carried.HandlesDropped || Carried.Handles.Count != 1)
        {
            throw new InvalidDataException(Carried is null
                ? "The object message arrived without a descriptor."
                : "The object message arrived with more than one descriptor, or with one that this process may not have: RLIMIT_NOFILE is reached, or a security module (SELinux, AppArmor) withheld it.");
        }

        SharedMemoryObject memory;
        try
        {
            memory = Carried.TakeObject(0);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException("The received descriptor is not memory (but a pipe, a socket or a file on disk), or is open for writing only.", e);
        }

        try
        {
            Require(memory, required);
            return memory;
        }
        catch
        {
            memory.DisposeKeepingLocks();
            throw;
        }
    }

    public void Dispose() => Carried?.Dispose();

    private void Require(SharedMemoryObject memory, MemorySeals required)
    {
        if (required != MemorySeals.None)
        {
            var seals = SealsOf(memory);
            if ((seals & required) != required)
            {
                throw new InvalidDataException($"The received object is not sealed as required: it lacks {required & ~seals}, and has {seals}.");
            }
        }

        // After the seals: if Shrink is one of them, the length can no longer fall.
        var length = memory.Length;
        if (Announced < 0 || length < Announced)
        {
            throw new InvalidDataException($"The received object has {length} bytes, but the message announces {(ulong)Announced}.");
        }
    }

    private static MemorySeals SealsOf(SharedMemoryObject memory)
    {
        try
        {
            // A process that cannot write at all cannot start to.
            return memory.Seals is var seals && seals.HasFlag(MemorySeals.Write) ? seals | MemorySeals.FutureWrite : seals;
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.EINVAL)
        {
            // A file system without seals.
            return MemorySeals.None;
        }
    }
}
