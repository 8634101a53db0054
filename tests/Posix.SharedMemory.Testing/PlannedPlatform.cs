using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Testing;

/// <summary>Linux where several calls fail, before they are made, by their places among all calls; from when it is armed.</summary>
internal sealed class PlannedPlatform : LinuxPlatform
{
    private readonly Lock _lock = new();
    private readonly List<string> _calls = [];
    private readonly List<string> _failed = [];
    private IReadOnlyDictionary<int, Errno> _plan = new Dictionary<int, Errno>();

    /// <summary>Gets the calls made or failed since it was armed.</summary>
    public IReadOnlyList<string> Calls => _calls;

    /// <summary>Gets those that failed.</summary>
    public IReadOnlyList<string> Failed => _failed;

    /// <summary>Forgets the calls so far.</summary>
    /// <param name="plan">Which of those to come fail, counted from 0, and how.</param>
    public void Arm(IReadOnlyDictionary<int, Errno> plan)
    {
        lock (_lock)
        {
            _calls.Clear();
            _failed.Clear();
            _plan = plan;
        }
    }

    /// <summary>From now on nothing fails, and what has is kept.</summary>
    public void Disarm()
    {
        lock (_lock)
        {
            _plan = new Dictionary<int, Errno>();
        }
    }

    private protected override bool Fails(string call)
    {
        Errno errno;
        lock (_lock)
        {
            _calls.Add(call);
            if (!_plan.TryGetValue(_calls.Count - 1, out errno))
            {
                return false;
            }

            _failed.Add(call);
        }

        Marshal.SetLastPInvokeError(errno.ToNative());
        return true;
    }
}
