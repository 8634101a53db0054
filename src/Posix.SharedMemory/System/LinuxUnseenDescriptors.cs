using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

/// <summary>Closes descriptors without giving back the locks that the caller has on the same file through others.</summary>
/// <remarks>
/// When a process closes any descriptor of a file, the kernel gives back every POSIX record lock that the process has on it, through whichever descriptor it was taken (fcntl_locking(2)). A
/// descriptor of what the process has open elsewhere and may have locked is therefore kept until no lock is left. Another thread that opens the same file and locks it between the look at the
/// locks and the closing loses that lock.
/// </remarks>
internal sealed class LinuxUnseenDescriptors(SystemCalls calls, LinuxFiles files)
{
    /// <summary>From how many on those are closed again of which it is unknown whether a lock is on their file. <see cref="Take"/> uses one again, so that only different objects add up.</summary>
    private const int Most = 64;

    private static readonly List<SafeFileHandle> s_kept = [];

    internal void Close(SafeFileHandle handle)
    {
        if (IsLocked(handle) == false)
        {
            handle.Dispose();
            return;
        }

        lock (s_kept)
        {
            // The lock that was found may hide one of this process; without another descriptor it has none.
            if (!HasOther(handle))
            {
                handle.Dispose();
                return;
            }

            GiveBackOwn(handle);
            // Whoever has the handle finds it closed.
            s_kept.Add(new(handle.DangerousGetHandle(), ownsHandle: true));
            handle.SetHandleAsInvalid();
            if (s_kept.Count > Most)
            {
                CloseOneThatMayBeIdle();
            }
        }
    }

    /// <summary>Closes what was kept for the sake of locks that are gone.</summary>
    internal void CloseIdle()
    {
        lock (s_kept)
        {
            for (var at = s_kept.Count - 1; at >= 0; at--)
            {
                if (IsLocked(s_kept[at]) == false || !HasOther(s_kept[at]))
                {
                    CloseKept(at);
                }
            }
        }
    }

    /// <summary>Closes the first on whose file no lock is known to be. Where all are locked, none is closed: there are not more than the caller has locked, for reading and for writing.</summary>
    private void CloseOneThatMayBeIdle()
    {
        if (s_kept.FindIndex(kept => IsLocked(kept) != true) is >= 0 and var at)
        {
            CloseKept(at);
        }
    }

    private static void CloseKept(int at)
    {
        s_kept[at].Dispose();
        s_kept.RemoveAt(at);
    }

    /// <summary>Takes a kept descriptor of what a path leads to, if there is one that is open for writing, or for reading only, as wanted.</summary>
    internal SafeFileHandle? Take(ReadOnlySpan<byte> path, int accessMode)
    {
        lock (s_kept)
        {
            if (s_kept.Count == 0 || !files.Stat(path, out var wanted).IsSuccess)
            {
                return null;
            }

            var at = s_kept.FindIndex(kept => IsSame(kept, wanted) && (Libc.fcntl(kept, F_GETFL, 0) & O_ACCMODE) == accessMode);
            if (at < 0)
            {
                return null;
            }

            var found = s_kept[at];
            s_kept.RemoveAt(at);
            return found;
        }
    }

    /// <summary>Gives back this library's locks, which belong to the descriptor: what is kept is no member or owner.</summary>
    private void GiveBackOwn(SafeFileHandle handle)
    {
        var all = new LinuxFlock { l_type = F_UNLCK, l_start = (long)RecordLock.Membership };
        if (!calls.Fails("fcntl(F_OFD_SETLK)"))
        {
            // It fails where the kernel has no such locks: there is nothing to give back then.
            _ = Libc.fcntl_flock(handle, F_OFD_SETLK, ref all);
        }
    }

    private bool IsSame(SafeFileHandle kept, in LinuxStatx wanted) =>
        files.Stat(kept, STATX_BASIC_STATS, out var found).IsSuccess && LinuxFiles.StatusOf(found).Identity == LinuxFiles.StatusOf(wanted).Identity;

    /// <summary>Returns whether anything but this open has a lock on the file, which includes the POSIX locks of this process; <see langword="null"/> where a filter refuses to say.</summary>
    private bool? IsLocked(SafeFileHandle handle)
    {
        if (handle.IsClosed)
        {
            return false;
        }

        // From the byte of membership on, locks are this library's, and not of that kind.
        var found = new LinuxFlock { l_type = F_WRLCK, l_len = (long)RecordLock.Membership };
        if (calls.Fails("fcntl(F_OFD_GETLK)"))
        {
            return null;
        }

        var result = Libc.fcntl_flock(handle, F_OFD_GETLK, ref found);
        // A descriptor that only names its file (O_PATH) is EBADF: closing it takes no lock away.
        return result != -1 ? found.l_type != F_UNLCK : SystemCalls.ErrorOf(result) == Errno.EBADF ? false : null;
    }

    /// <summary>Returns whether this process has what a descriptor refers to open through another one. Where that cannot be found out, it may.</summary>
    private bool HasOther(SafeFileHandle handle)
    {
        if (!files.Stat(handle, STATX_BASIC_STATS, out var own).IsSuccess)
        {
            return true;
        }

        var identity = LinuxFiles.StatusOf(own).Identity;
        var ours = s_kept.Append(handle).Select(kept => (int)kept.DangerousGetHandle()).ToHashSet();
        var isFound = false;
        var isRead = new LinuxNumberedDirectory(calls, files).Examine(
            "/proc/thread-self/fd\0"u8, (number, statx) => isFound |= LinuxFiles.StatusOf(statx).Identity == identity && !ours.Contains(number));
        return isFound || !isRead;
    }
}
