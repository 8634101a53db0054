using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Testing;

/// <summary>Linux as a test wants it: without some abilities, with calls that always fail, and with one that fails once.</summary>
internal sealed class LimitedPlatform : LinuxPlatform
{
    private readonly List<string> _calls = [];
    private bool _acting;
    private int _seen;

    /// <summary>
    /// Gets whether pages behind an object's end are said not to be mappable, as on macOS and FreeBSD: address space is reserved, and mapped over.
    /// </summary>
    public bool Reserves { get; init; }

    /// <summary>Gets the call that fails whenever it is made, as under a filter.</summary>
    public string? Forbidden { get; init; }

    /// <summary>Gets which call fails while the act under test runs: its C name, its error, and which of them, counted from 1.</summary>
    public (string Call, Errno Errno, int Occurrence)? Fault { get; init; }

    /// <summary>Gets the calls of the act, in order.</summary>
    public IReadOnlyList<string> Calls => _calls;

    /// <summary>Gets whether the failure has happened.</summary>
    public bool Fired { get; private set; }

    /// <summary>Runs the act under test; the failure is meant for it alone.</summary>
    /// <returns>What it threw.</returns>
    public Exception? Try(Action act)
    {
        _acting = true;
        try
        {
            using (Substitute(this))
            {
                act();
            }

            return null;
        }
        catch (Exception e)
        {
            return e;
        }
        finally
        {
            _acting = false;
        }
    }

    private protected override bool MapsBehindEnd => !Reserves;

    private protected override bool Fails(string call)
    {
        if (_acting)
        {
            _calls.Add(call);
            if (call == Fault?.Call && ++_seen == Fault.Value.Occurrence)
            {
                Fired = true;
                Marshal.SetLastPInvokeError(Fault.Value.Errno.ToNative());
                return true;
            }
        }

        if (call == Forbidden)
        {
            Marshal.SetLastPInvokeError(Errno.EPERM.ToNative());
            return true;
        }

        return false;
    }
}
