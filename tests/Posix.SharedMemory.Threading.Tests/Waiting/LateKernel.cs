namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The kernel of this machine, between whose call that changes and wakes, and what its caller does next, a test can act. Sleepers that are woken can be kept from going on.</summary>
internal sealed unsafe class LateKernel : LinuxKernel
{
    private Action? _afterChange;

    /// <summary>Gets what keeps sleepers that were woken; set, it lets them go on.</summary>
    internal ManualResetEventSlim Gate { get; } = new(initialState: true);

    /// <summary>Acts after the next call that changes and wakes.</summary>
    internal void AfterChange(Action act) => _afterChange = act;

    internal override int ChangeAndWake(uint* word, WordChange change, int argument, int count)
    {
        var woken = base.ChangeAndWake(word, change, argument, count);
        Interlocked.Exchange(ref _afterChange, null)?.Invoke();
        return woken;
    }

    internal override bool Sleep(ref SleepList list, long deadline)
    {
        var ended = base.Sleep(ref list, deadline);
        if (Thread.CurrentThread.Name?.StartsWith("sleeper", StringComparison.Ordinal) == true)
        {
            Gate.Wait();
        }

        return ended;
    }
}
