using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

/// <summary>A turn at changing the length of an object, which one thread of one process has at a time.</summary>
/// <remarks>The kernel's lock keeps apart the opens of an object; a monitor keeps apart the threads that share one open.</remarks>
internal readonly ref struct LinuxTurn : IDisposable
{
    /// <summary>A monitor for each open that changes lengths: not the descriptor's, which maps and unmaps must not wait for meanwhile.</summary>
    private static readonly ConditionalWeakTable<SafeFileHandle, object> s_monitors = [];

    private readonly LinuxMembership _locks;
    private readonly object _monitor;
    private readonly SafeFileHandle? _own;
    private readonly OpenObject _locked;

    /// <summary>Waits for the turn.</summary>
    internal LinuxTurn(LinuxFiles files, LinuxMembership locks, in OpenObject target)
    {
        _locks = locks;
        _monitor = s_monitors.GetOrCreateValue(target.Handle);
        var isTaken = false;
        Monitor.Enter(_monitor);
        try
        {
            _own = target.SharesOpen ? ReopenToLock(files, target) : null;
            _locked = _own is null ? target : target with { Handle = _own };
            locks.Wait(_locked, RecordLock.Growth);
            isTaken = true;
        }
        finally
        {
            if (!isTaken)
            {
                _own?.Dispose();
                Monitor.Exit(_monitor);
            }
        }
    }

    public void Dispose()
    {
        _locks.Release(_locked, RecordLock.Growth);
        _own?.Dispose();
        Monitor.Exit(_monitor);
    }

    /// <summary>
    /// Opens the object again, for a lock that ends with this process and that no other process can undo: on an open that another process has
    /// too it would do neither. <see langword="null"/> where that is not allowed: another user's object, or no /proc.
    /// </summary>
    private static SafeFileHandle? ReopenToLock(LinuxFiles files, in OpenObject target)
    {
        var error = files.Reopen(target, O_RDWR, out var handle);
        return error == Errno.EMFILE || error == Errno.ENFILE || error == Errno.ENOMEM
            ? throw new SharedMemoryException(error, "open(/proc/self/fd)", target.Name.Text)
            : handle;
    }
}
