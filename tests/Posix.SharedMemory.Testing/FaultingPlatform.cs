using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Testing;

/// <summary>Linux with one call that fails: before it is made, with the error a test chooses. Keeps the list of calls.</summary>
/// <remarks>Put in place on a thread with <c>using (Platform.Substitute(platform))</c>.</remarks>
internal sealed class FaultingPlatform : LinuxPlatform
{
    private readonly List<string> _calls = [];
    private string? _call;
    private Errno _errno;
    private int _occurrence;
    private int _seen;

    /// <summary>Only keeps the list of calls.</summary>
    public FaultingPlatform()
    {
    }

    /// <summary>Fails the call of this C name at its nth occurrence, counted from 1; at every one, with 0.</summary>
    public FaultingPlatform(string call, Errno errno, int occurrence = 1)
    {
        _call = call;
        _errno = errno;
        _occurrence = occurrence;
    }

    /// <summary>Gets the calls made or failed so far, in order, by their C names.</summary>
    public IReadOnlyList<string> Calls => _calls;

    /// <summary>Gets whether the failure has happened: a test in which it has not proves nothing.</summary>
    public bool Fired { get; private set; }

    /// <summary>Gets the place in <see cref="Calls"/> of the call that failed first.</summary>
    public int FiredAt { get; private set; }

    /// <summary>Forgets the calls so far and fails one of those to come; none, with <see langword="null"/>.</summary>
    public void Arm(string? call, Errno errno = default, int occurrence = 1)
    {
        lock (_calls)
        {
            _calls.Clear();
            (_call, _errno, _occurrence, _seen, Fired) = (call, errno, occurrence, 0, false);
        }
    }

    private protected override bool Fails(string call)
    {
        lock (_calls)
        {
            _calls.Add(call);
            if (call != _call || (++_seen != _occurrence && _occurrence != 0))
            {
                return false;
            }

            FiredAt = Fired ? FiredAt : _calls.Count - 1;
            Fired = true;
        }

        Marshal.SetLastPInvokeError(_errno.ToNative());
        return true;
    }
}
