using System.Collections.Concurrent;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The kernel of this machine, which notes the wake-ups that it is asked for. A test can act while its thread is about to sleep.</summary>
internal sealed unsafe class RecordingKernel : LinuxKernel
{
    private readonly ConcurrentQueue<(nint Word, int Count, int Thread)> _wakes = [];
    private Action? _insteadOfSleep;
    private int _sleeper;

    /// <summary>Does something instead of the next sleep of this thread on several words.</summary>
    internal void InsteadOfSleep(Action act)
    {
        _sleeper = Environment.CurrentManagedThreadId;
        _insteadOfSleep = act;
    }

    /// <summary>Forgets what was noted.</summary>
    internal void Forget() => _wakes.Clear();

    /// <summary>Whether all sleepers of a word were woken.</summary>
    /// <param name="word">In shared memory.</param>
    /// <param name="here">By this very thread.</param>
    internal bool HasWokenAll(ref uint word, bool here)
    {
        // SAFETY: the address is compared only.
        fixed (uint* address = &word)
        {
            var wanted = (nint)address;
            return _wakes.Any(wake => wake.Word == wanted && wake.Count == int.MaxValue && (!here || wake.Thread == Environment.CurrentManagedThreadId));
        }
    }

    internal override int Wake(uint* word, int count, bool isPrivate = false)
    {
        _wakes.Enqueue(((nint)word, count, Environment.CurrentManagedThreadId));
        return base.Wake(word, count, isPrivate);
    }

    internal override bool Sleep(ref SleepList list, long deadline)
    {
        if (list.Count > 1 && Environment.CurrentManagedThreadId == _sleeper && Interlocked.Exchange(ref _insteadOfSleep, null) is { } act)
        {
            act();
            return true;
        }

        return base.Sleep(ref list, deadline);
    }
}
