using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Tool;

/// <summary>What an object is, as far as its bytes say it: a named lock, or a channel, or neither.</summary>
internal sealed record ObjectLook(NamedLockStatus? Lock, ChannelLook? Channel)
{
    private static readonly ObjectLook s_neither = new(null, null);

    /// <summary>Gets the kind, as a word of JSON; <see langword="null"/>: neither, or it cannot be read.</summary>
    internal string? Kind => Lock is not null ? LockLook.Key(Lock.Kind) : Channel?.Kind;

    /// <summary>Looks at an object. What this user cannot read looks like neither.</summary>
    internal static ObjectLook Of(SharedMemoryEntry entry) => TryRead(entry) ?? s_neither;

    /// <summary>Looks at an object.</summary>
    /// <returns><see langword="null"/>: it cannot be read.</returns>
    internal static ObjectLook? TryRead(SharedMemoryEntry entry)
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
        catch (Exception e) when (e is SharedMemoryException or PlatformNotSupportedException)
        {
            // Another user's, or gone meanwhile.
            return null;
        }
    }
}
