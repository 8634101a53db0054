namespace Posix.SharedMemory.Testing;

/// <summary>Linux where this process gets a signal just before a call: <c>SIGKILL</c> ends it there, <c>SIGSTOP</c> keeps it there.</summary>
internal sealed class SignallingPlatform : LinuxPlatform
{
    private readonly Lock _lock = new();
    private int _signal;
    private int _at;
    private int _seen;

    /// <summary>Forgets the calls so far and chooses the one to come, counted from 1; none, with 0.</summary>
    /// <returns>How many calls there were.</returns>
    public int Arm(int signal, int at)
    {
        lock (_lock)
        {
            var seen = _seen;
            (_signal, _at, _seen) = (signal, at, 0);
            return seen;
        }
    }

    private protected override bool Fails(string call)
    {
        lock (_lock)
        {
            if (++_seen == _at)
            {
                Native.Kill(ProcessId, _signal);
            }
        }

        return false;
    }
}
