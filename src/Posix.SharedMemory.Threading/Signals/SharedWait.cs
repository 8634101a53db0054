using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading;

/// <summary>Waits for whichever comes first of several things: events, semaphores, ends of participants.</summary>
public static class SharedWait
{
    /// <summary>The kernel takes 128 words in one sleep; one is for cancellation.</summary>
    private const int MostWaitables = 126;

    /// <summary>Waits until one of several things is there, and takes it: the signal or permit of the returned index. The first in the list comes first.</summary>
    /// <param name="waitables">At most 126: <see cref="SharedEvent"/>, <see cref="SharedSemaphore"/>, <see cref="Roster.GetEnd"/>.</param>
    /// <param name="timeout">How long at most.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The index of what was taken; -1: the timeout passed.</returns>
    /// <exception cref="ArgumentException">There are none, or more than 126, or one is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative, but not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static int WaitAny(ReadOnlySpan<ISharedWaitable> waitables, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        var deadline = Deadline.After(timeout);
        var target = new AnyTarget(waitables);
        var state = default(WaitState);
        Span<LinuxFutexWaitv> space = stackalloc LinuxFutexWaitv[Linux.FUTEX_WAITV_MAX];
        return target.Finish(BlockingWait.Run(target, target.Kernel, space, ref state, deadline, cancellationToken), ref state);
    }

    /// <summary>As <see cref="WaitAny"/>; no thread waits.</summary>
    /// <inheritdoc cref="WaitAny"/>
    public static ValueTask<int> WaitAnyAsync(ReadOnlyMemory<ISharedWaitable> waitables, CancellationToken cancellationToken = default)
    {
        var target = new AnyTarget(waitables.Span);
        return cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken)
            : new WaitQueue(target.Kernel.Service, wakesAll: false).WaitAsync(target, default, Deadline.Never, synchronously: false, cancellationToken);
    }

    private sealed class AnyTarget : IWaitTarget<int>
    {
        private readonly IWaitTarget[] _targets;
        private readonly WaitState[] _states;

        internal AnyTarget(ReadOnlySpan<ISharedWaitable> waitables)
        {
            if (waitables.Length is 0 or > MostWaitables)
            {
                throw new ArgumentException($"A wait is for 1 to {MostWaitables} things, not for {waitables.Length}.", nameof(waitables));
            }

            _targets = new IWaitTarget[waitables.Length];
            _states = new WaitState[waitables.Length];
            for (var i = 0; i < waitables.Length; i++)
            {
                _targets[i] = (waitables[i] ?? throw new ArgumentException($"The element {i} is null.", nameof(waitables))).Target;
            }

            Kernel = waitables[0].Kernel;
        }

        internal Kernel Kernel { get; }

        public News News => Kernel.News;

        public WaitOutcome Attempt(ref WaitState state, ref SleepList list)
        {
            for (var i = 0; i < _targets.Length; i++)
            {
                ref var own = ref _states[i];
                own.IsTry = state.IsTry;
                if (state.HasSlept)
                {
                    own.Slept(0, state.IsLook);
                }

                if (_targets[i].Attempt(ref own, ref list) != WaitOutcome.Pending)
                {
                    state.Key = (uint)i;
                    GiveUpAllBut(i);
                    return WaitOutcome.Taken;
                }
            }

            return WaitOutcome.Pending;
        }

        public WaitOutcome GiveUp(ref WaitState state)
        {
            GiveUpAllBut(-1);
            return WaitOutcome.Pending;
        }

        public void BeforeSleep() => Array.ForEach(_targets, target => target.BeforeSleep());

        public int Finish(WaitOutcome outcome, ref WaitState state) => outcome == WaitOutcome.Taken ? (int)state.Key : -1;

        private void GiveUpAllBut(int taken)
        {
            for (var i = 0; i < _targets.Length; i++)
            {
                try
                {
                    if (i != taken)
                    {
                        _targets[i].GiveUp(ref _states[i]);
                    }
                }
                catch (SharedMemoryException) when (taken >= 0)
                {
                    // What was taken is the caller's. For whoever should have been woken here, the look of every second stands in.
                }
            }
        }
    }
}
