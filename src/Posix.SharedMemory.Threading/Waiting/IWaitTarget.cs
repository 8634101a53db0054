namespace Posix.SharedMemory.Threading;

/// <summary>Something that can be waited for by a blocked thread or asynchronously, by the same attempts.</summary>
internal interface IWaitTarget
{
    /// <summary>Gets the word that makes waiters of this process look again.</summary>
    News News { get; }

    /// <summary>Takes what is waited for, or names the words whose change makes another attempt worthwhile.</summary>
    WaitOutcome Attempt(ref WaitState state, ref SleepList list);

    /// <summary>The waiter leaves without success: a wake-up that was meant for it goes to another.</summary>
    /// <returns><see cref="WaitOutcome.Pending"/>, or what the wait has come to after all.</returns>
    WaitOutcome GiveUp(ref WaitState state);

    /// <summary>Before the first sleep: what else has to be watched for this wait.</summary>
    void BeforeSleep();
}

/// <summary>A target whose waits end with a value.</summary>
internal interface IWaitTarget<T> : IWaitTarget
{
    /// <summary>Makes the result of an outcome, or throws what it means.</summary>
    T Finish(WaitOutcome outcome, ref WaitState state);
}
