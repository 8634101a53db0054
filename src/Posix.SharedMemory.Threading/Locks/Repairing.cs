using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Threading;

/// <summary>Repairs what a dead owner left, before the caller gets the lock; the same for a mutex and for writing.</summary>
internal static class Repairing
{
    /// <summary>Runs a repair inside the lock, if there was a death. If it throws, the lock is left unrepaired.</summary>
    internal static THold RepairedBy<THold>(this THold hold, Action repair)
        where THold : struct, IEntry
    {
        if (!hold.OwnerDied)
        {
            return hold;
        }

        try
        {
            repair();
            hold.MarkConsistent();
        }
        catch
        {
            hold.Dispose();
            throw;
        }

        return hold;
    }

    /// <summary>As the other one, for an entry and a repair that may take their time.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    internal static async ValueTask<THold> RepairedByAsync<THold>(this ValueTask<THold> entry, Func<CancellationToken, ValueTask> repair, CancellationToken cancellationToken)
        where THold : struct, IEntry
    {
        var hold = await entry.ConfigureAwait(false);
        if (!hold.OwnerDied)
        {
            return hold;
        }

        try
        {
            await repair(cancellationToken).ConfigureAwait(false);
            hold.MarkConsistent();
        }
        catch
        {
            hold.Dispose();
            throw;
        }

        return hold;
    }
}
