using System.Diagnostics;

namespace Posix.SharedMemory;

/// <summary>How long to try again while another process holds a name for an instant: that takes microseconds, unless the process is stopped there.</summary>
internal struct Patience
{
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);

    private long _since;
    private SpinWait _spin;

    /// <summary>Gets whether to try again. The time starts with the first question.</summary>
    internal bool IsLeft
    {
        get
        {
            if (_since == 0)
            {
                _since = Stopwatch.GetTimestamp();
                return true;
            }

            return Stopwatch.GetElapsedTime(_since) < Limit;
        }
    }

    internal void Pause() => _spin.SpinOnce();
}
