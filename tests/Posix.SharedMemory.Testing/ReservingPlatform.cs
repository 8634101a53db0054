using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Testing;

/// <summary>Linux as if pages behind an object's end could not be mapped, as on macOS and FreeBSD: address space is reserved, and mapped over.</summary>
internal sealed class ReservingPlatform : LinuxPlatform
{
    private readonly string? _call;
    private readonly Errno _errno;
    private readonly int _occurrence;
    private int _seen;

    public ReservingPlatform()
    {
    }

    /// <summary>Fails one call, counted from 1.</summary>
    public ReservingPlatform(string call, Errno errno, int occurrence)
    {
        _call = call;
        _errno = errno;
        _occurrence = occurrence;
    }

    /// <summary>Gets whether the failure has happened.</summary>
    public bool Fired { get; private set; }

    private protected override bool MapsBehindEnd => false;

    private protected override bool Fails(string call)
    {
        if (call != _call || ++_seen != _occurrence)
        {
            return false;
        }

        Fired = true;
        Marshal.SetLastPInvokeError(_errno.Number);
        return true;
    }
}
