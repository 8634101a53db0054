namespace Posix.SharedMemory.Testing;

/// <summary>What is seen of this process once the children of other tests are out of the way.</summary>
public static class Settled
{
    /// <summary>The holders of an object, as soon as they are just these processes.</summary>
    /// <remarks>A child that another test starts holds all descriptors and mappings too, from its fork until it executes its program.</remarks>
    /// <exception cref="TimeoutException">They never were.</exception>
    public static SharedMemoryHolders Holders(string name, params int[] processIds)
    {
        var holders = SharedMemoryDirectory.GetHolders(name);
        Watchdog.Until(
            () =>
            {
                holders = SharedMemoryDirectory.GetHolders(name);
                return holders.Select(holder => holder.ProcessId).Order().SequenceEqual(processIds.Order());
            },
            $"the holders {string.Join(' ', processIds)} of {name}");
        return holders;
    }
}
