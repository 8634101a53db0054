using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>Linux: open file description locks, which the kernel drops when the last descriptor of an open is closed, however that happens.</summary>
internal class LinuxMembership(SystemCalls calls, LinuxFiles files) : SystemMembership
{
    /// <summary>How long a turn is waited for: the process that has it needs microseconds, unless it is stopped there.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private static readonly ConditionalWeakTable<SafeFileHandle, LinuxTurnstile> s_turnstiles = [];

    internal override MembershipState Query(in OpenObject target, bool isMember) => Query(target, RecordLock.Membership, isMember);

    internal override Errno Take(in OpenObject target, bool exclusive) => Try(target, RecordLock.Membership, exclusive);

    internal override void Drop(in OpenObject target) => Release(target, RecordLock.Membership);

    internal override Errno Own(in OpenObject target) => Try(target, RecordLock.Owner, exclusive: false);

    internal override void Disown(in OpenObject target) => Release(target, RecordLock.Owner);

    internal override void Mark(in OpenObject target, bool isOwned)
    {
        // The hint of how long written data lives has no effect on memory, and the kernel keeps it for as long as the object exists. Where it cannot be
        // set (gVisor, some file systems) the object is never taken for one that was left behind.
        ulong hint = (ulong)(isOwned ? RWH_WRITE_LIFE_SHORT : RWH_WRITE_LIFE_NOT_SET);
        _ = calls.Fails("fcntl(F_SET_RW_HINT)") ? -1 : Libc.fcntl_hint(target.Handle, F_SET_RW_HINT, ref hint);
    }

    internal override bool IsAbandoned(in OpenObject target) =>
        IsMarked(target) && Query(target, RecordLock.Membership) == MembershipState.None && Query(target, RecordLock.Owner) == MembershipState.None;

    internal override bool IsOrphaned(in OpenObject target) => IsMarked(target) && Query(target, RecordLock.Owner) is (MembershipState.None or MembershipState.Ending);

    internal override Errno Seize(in OpenObject target)
    {
        if (!IsMarked(target))
        {
            return Errno.EEXIST;
        }

        var error = Seize(target, RecordLock.Owner);
        return error.IsSuccess ? Seize(target, RecordLock.Membership) : error;
    }

    internal override void Forget(SafeFileHandle handle)
    {
        if (s_turnstiles.TryGetValue(handle, out var turnstile))
        {
            lock (turnstile)
            {
                CloseUnseen(turnstile.Own);
                CloseUnseen(turnstile.Reader);
                (turnstile.Own, turnstile.Reader) = (null, null);
            }
        }

        files.CloseIdle();
    }

    internal override void CloseUnseen(SafeFileHandle? handle)
    {
        // One that was given up (SetHandleAsInvalid) may still be open, and locked.
        if (handle is not null)
        {
            files.CloseUnseen(handle);
        }
    }

    internal override bool? IsHeldByOthers(in OpenObject target)
    {
        if ((target.Name.IsNone || target.SharesOpen) && !files.IsInDirectory(target))
        {
            // The open that memfd_create makes is not one that the kernel counts: it would always report others.
            return null;
        }

        // If another process opens the object meanwhile, the kernel sends a signal here: by default SIGIO, which ends a process. SIGURG is ignored.
        if (!ErrorOf(calls.Fails("fcntl(F_SETSIG)") ? -1 : Libc.fcntl(target.Handle, F_SETSIG, SIGURG)).IsSuccess)
        {
            return null;
        }

        // The kernel grants this only where there is no other open of the object; a mapping keeps the open it was made through.
        var error = ErrorOf(calls.Fails("fcntl(F_SETLEASE)") ? -1 : Libc.fcntl(target.Handle, F_SETLEASE, F_WRLCK));
        if (!error.IsSuccess)
        {
            return error == Errno.EAGAIN ? true : null;
        }

        if (files.CountsMappings(target))
        {
            return false;
        }

        _ = calls.Fails("fcntl(F_SETLEASE)") ? -1 : Libc.fcntl(target.Handle, F_SETLEASE, F_UNLCK);
        return null;
    }

    /// <summary>Takes a lock if no other open is in the way. <see cref="Errno.EAGAIN"/>: one is.</summary>
    internal Errno Try(in OpenObject target, RecordLock which, bool exclusive)
    {
        var error = SetLock(target, which, exclusive ? F_WRLCK : F_RDLCK, F_OFD_SETLK, "fcntl(F_OFD_SETLK)");
        return error == Errno.EACCES ? Errno.EAGAIN : error;
    }

    /// <summary>Returns a descriptor with a file position of its own, which stays open as long as the object's.</summary>
    /// <exception cref="PlatformNotSupportedException">/proc is not mounted.</exception>
    internal SafeFileHandle OwnReader(in OpenObject target)
    {
        var turnstile = s_turnstiles.GetOrCreateValue(target.Handle);
        lock (turnstile)
        {
            if (turnstile.Reader is null)
            {
                var error = files.Reopen(target, O_RDONLY, out var reader);
                if (error == Errno.ENOENT && !Directory.Exists("/proc/self/fd"))
                {
                    // The object is there: only the way to it is missing. Its own position belongs to the caller, who may read at this moment.
                    throw new PlatformNotSupportedException("Finding which parts of this object have memory needs /proc to be mounted, on this kernel or file system.");
                }

                Check(error, "open(/proc/self/fd)", target.Name);
                turnstile.Reader = reader;
            }

            return turnstile.Reader!;
        }
    }

    /// <summary>Takes a turn at changing the length of an object. Where the kernel has no such locks nothing is in the way.</summary>
    /// <param name="target">The object.</param>
    /// <param name="mustHave">Whether to fail where a lock of another program is in the way, and not to go on without a turn.</param>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EAGAIN"/>: a lock is still in the way after some seconds; the message says whose.</exception>
    internal LinuxTurn EnterTurn(in OpenObject target, bool mustHave)
    {
        var turnstile = s_turnstiles.GetOrCreateValue(target.Handle);
        var isTaken = false;
        Monitor.Enter(turnstile);
        try
        {
            var locked = target;
            if (target.SharesOpen)
            {
                turnstile.Own ??= ReopenToLock(target);
                locked = turnstile.Own is { } own ? target with { Handle = own } : target;
            }

            var isLocked = WaitForTurn(locked, mustHave);
            isTaken = true;
            return new(this, isLocked ? locked : null, turnstile);
        }
        finally
        {
            if (!isTaken)
            {
                Monitor.Exit(turnstile);
            }
        }
    }

    /// <summary>Waits until no other thread and no other process has a turn that it took before now.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EAGAIN"/>: one has had it for some seconds.</exception>
    internal void AwaitTurn(in OpenObject target)
    {
        if (s_turnstiles.TryGetValue(target.Handle, out var turnstile))
        {
            lock (turnstile)
            {
                // The thread that had it is done.
            }
        }

        var started = Stopwatch.GetTimestamp();
        for (var attempt = default(SpinWait); FindLock(target, RecordLock.Growth, out var found).IsSuccess && IsTurn(found); attempt.SpinOnce())
        {
            if (Stopwatch.GetElapsedTime(started) > s_patience)
            {
                throw InTheWay(target, found);
            }
        }
    }

    /// <summary>Gives a lock back. Should that fail, the act that the lock was for is done all the same, and the lock ends with the descriptor.</summary>
    internal void Release(in OpenObject target, RecordLock which) => _ = SetLock(target, which, F_UNLCK, F_OFD_SETLK, "fcntl(F_OFD_SETLK, F_UNLCK)");

    /// <param name="target">The object.</param>
    /// <param name="which">The byte.</param>
    /// <param name="isHolder">Whether this same open has a share.</param>
    private MembershipState Query(in OpenObject target, RecordLock which, bool isHolder = false)
    {
        // Reports what an exclusive lock would meet: the locks of this same open do not count.
        var request = LockOf(which, F_WRLCK);
        var error = ErrorOf(calls.Fails("fcntl(F_OFD_GETLK)") ? -1 : Libc.fcntl_flock(target.Handle, F_OFD_GETLK, ref request));
        if (LacksLocks(error))
        {
            return MembershipState.Unknown;
        }

        Check(error, "fcntl(F_OFD_GETLK)", target.Name);

        // Only a lock on just this byte is a share; a lock on the whole file, taken by another program for other reasons, is not. The kernel reports one lock, and shares may be hidden by that one.
        return request.l_type == F_UNLCK ? MembershipState.None
            : request.l_start != (long)which || request.l_len != 1 ? QueryList(target, which, isHolder)
            : request.l_type == F_WRLCK ? MembershipState.Ending
            : MembershipState.Held;
    }

    private MembershipState QueryList(in OpenObject target, RecordLock which, bool isHolder) =>
        !files.Stat(target.Handle, STATX_BASIC_STATS, out var statx).IsSuccess || LinuxLockList.Find(LinuxFiles.StatusOf(statx).Identity, which) is not { } listed ? MembershipState.Hidden
            : listed.IsExclusive ? MembershipState.Ending
            : listed.Shares > (isHolder ? 1 : 0) ? MembershipState.Held
            : listed.IsComplete ? MembershipState.None
            : MembershipState.Hidden;

    private Errno Seize(in OpenObject target, RecordLock which)
    {
        var error = Try(target, which, exclusive: true);
        return error == Errno.EAGAIN && Query(target, which) == MembershipState.Held ? Errno.EEXIST : error;
    }

    private bool IsMarked(in OpenObject target)
    {
        ulong hint = 0;
        return (calls.Fails("fcntl(F_GET_RW_HINT)") ? -1 : Libc.fcntl_hint(target.Handle, F_GET_RW_HINT, ref hint)) != -1 && hint == (ulong)RWH_WRITE_LIFE_SHORT;
    }

    /// <summary>
    /// Opens the object again, for a lock that ends with this process and that no other process can undo. <see langword="null"/> where that is not
    /// allowed: another user's object, or no /proc.
    /// </summary>
    private SafeFileHandle? ReopenToLock(in OpenObject target)
    {
        var error = files.Reopen(target, O_RDWR, out var handle);
        return error is Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM
            ? throw SystemCalls.FailureOf(error, "open(/proc/self/fd)", target.Name.Text)
            : handle;
    }

    /// <summary>Takes the lock of a turn.</summary>
    /// <returns>False where it goes on without: the kernel has no such locks, or another program's lock is in the way and the turn is not a must.</returns>
    private bool WaitForTurn(in OpenObject target, bool mustHave)
    {
        var started = Stopwatch.GetTimestamp();
        for (var attempt = default(SpinWait); ; attempt.SpinOnce())
        {
            var error = Try(target, RecordLock.Growth, exclusive: true);
            if (error != Errno.EAGAIN)
            {
                Check(LacksLocks(error) ? Errno.None : error, "fcntl(F_OFD_SETLK)", target.Name);
                return error.IsSuccess;
            }

            // No process that uses this library has a turn while another program's lock covers the byte.
            var isFound = FindLock(target, RecordLock.Growth, out var found).IsSuccess && found.l_type != F_UNLCK;
            if (isFound && !mustHave && !IsTurn(found))
            {
                return false;
            }

            if (Stopwatch.GetElapsedTime(started) > s_patience)
            {
                throw InTheWay(target, found);
            }
        }
    }

    /// <summary>Returns whether an error says that the kernel, or the file system, has no such locks, as in some sandboxes and on some networks.</summary>
    private static bool LacksLocks(Errno error) => error is Errno.EINVAL or Errno.ENOSYS or Errno.EOPNOTSUPP or Errno.ENOLCK;

    /// <summary>Returns whether a lock is one by which this library takes turns: on just that byte, and not on all of a file.</summary>
    private static bool IsTurn(in LinuxFlock found) => found.l_type == F_WRLCK && found.l_start == (long)RecordLock.Growth && found.l_len == 1;

    private Errno FindLock(in OpenObject target, RecordLock which, out LinuxFlock found)
    {
        found = LockOf(which, F_WRLCK);
        return ErrorOf(calls.Fails("fcntl(F_OFD_GETLK)") ? -1 : Libc.fcntl_flock(target.Handle, F_OFD_GETLK, ref found));
    }

    private static SharedMemoryException InTheWay(in OpenObject target, in LinuxFlock found)
    {
        // For the locks of an open file description the kernel names no process.
        var owner = found.l_pid > 0 ? $"process {found.l_pid}" : "a process that has the object open (see 'shm who')";
        var part = IsTurn(found) ? "is changing the object's length and does not finish"
            : found.l_len == 0 || found.l_len >= long.MaxValue - found.l_start ? $"has locked the object from byte {found.l_start} on"
            : $"has locked {found.l_len} bytes of the object from byte {found.l_start} on";
        return new(Errno.EAGAIN, "fcntl(F_OFD_SETLK)", target.Name.Text, $"waited {s_patience.TotalSeconds} seconds; {owner} {part}");
    }

    private static LinuxFlock LockOf(RecordLock which, short type) => new() { l_type = type, l_start = (long)which, l_len = 1 };

    private Errno SetLock(in OpenObject target, RecordLock which, short type, int command, string call) =>
        ErrorOf(calls.Repeat(call, (target.Handle, which, type, command), static (ref a) =>
        {
            var request = LockOf(a.which, a.type);
            return Libc.fcntl_flock(a.Handle, a.command, ref request);
        }));
}
