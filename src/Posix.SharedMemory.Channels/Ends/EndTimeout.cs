namespace Posix.SharedMemory.Channels;

/// <summary>What callers give as a timeout.</summary>
internal static class EndTimeout
{
    /// <summary>Refuses a timeout that cannot be.</summary>
    internal static void Require(TimeSpan timeout)
    {
        if (timeout < TimeSpan.Zero && timeout != Timeout.InfiniteTimeSpan)
        {
            throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "A timeout is not negative, or Timeout.InfiniteTimeSpan.");
        }
    }
}
