using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Tool;

/// <summary>What an object is, as far as its bytes say it: a named lock, or a channel, or neither.</summary>
/// <param name="Lock">What it shows if it is a lock.</param>
/// <param name="Channel">What it shows if it is a channel.</param>
/// <param name="Obstacle">Why its bytes cannot be read, so that it may be either; <see langword="null"/> if they can.</param>
internal sealed record ObjectLook(NamedLockStatus? Lock, ChannelLook? Channel, string? Obstacle = null)
{
    private static readonly ObjectLook s_neither = new(null, null);

    /// <summary>Gets the kind, as a word of JSON; <see langword="null"/>: neither, or unknown.</summary>
    internal string? Kind => Lock is not null ? LockLook.Key(Lock.Kind) : Channel?.Kind;

    /// <summary>Gets whether its bytes say what it is.</summary>
    internal bool IsKnown => Obstacle is null;

    /// <summary>Looks at an object.</summary>
    internal static ObjectLook Of(SharedMemoryEntry entry)
    {
        var (mayBeLock, mayBeChannel) = (LockLook.MayBe(entry), ChannelLook.MayBe(entry));
        if (!mayBeLock && !mayBeChannel)
        {
            return s_neither;
        }

        try
        {
            using var memory = entry.Open();
            return mayBeLock && NamedLockStatus.TryRead(memory) is { } found ? new(found, null)
                : mayBeChannel ? new(null, ChannelLook.TryRead(memory)) : s_neither;
        }
        catch (SharedMemoryException e)
        {
            // What is gone meanwhile is neither; what is another user's may be either.
            return e.Errno == Errno.ENOENT ? s_neither : new(null, null, Failure.Reason(e.Errno));
        }
        catch (PlatformNotSupportedException e)
        {
            return new(null, null, Advice.For(e, command: null));
        }
    }
}
