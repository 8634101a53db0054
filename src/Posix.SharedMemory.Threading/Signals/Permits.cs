namespace Posix.SharedMemory.Threading;

/// <summary>What counts the permits of a semaphore.</summary>
internal abstract class Permits : IWaitTarget<bool>
{
    public abstract News News { get; }

    internal abstract Kernel Kernel { get; }

    internal abstract int Count { get; }

    internal abstract int Maximum { get; }

    public abstract WaitOutcome Attempt(ref WaitState state, ref SleepList list);

    public abstract WaitOutcome GiveUp(ref WaitState state);

    public abstract void BeforeSleep();

    /// <summary>Gives permits back.</summary>
    /// <returns>How many there were before.</returns>
    /// <exception cref="SemaphoreFullException">There would be more than the maximum.</exception>
    internal abstract int Release(int count);

    public bool Finish(WaitOutcome outcome, ref WaitState state) => outcome == WaitOutcome.Taken;
}
