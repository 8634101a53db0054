namespace Posix.SharedMemory.Tests.Faults;

/// <summary>What an operation owes when one of its calls has failed.</summary>
internal enum FaultOutcome
{
    /// <summary>The error surfaces, and what was there before is there again.</summary>
    Throws,

    /// <summary>As <see cref="Throws"/>, but the names may have changed: the step before this call cannot be undone.</summary>
    ThrowsAfterTheStep,

    /// <summary>As <see cref="Throws"/>, with POSIX's EACCES for the kernel's EPERM.</summary>
    ThrowsAccess,

    /// <summary>As <see cref="Throws"/>, but with an ArgumentException: to the library the error says what the argument is.</summary>
    ThrowsArgument,

    /// <summary>As <see cref="Throws"/>, with the EPERM that the failing call was to explain.</summary>
    ThrowsPermission,

    /// <summary>As <see cref="Throws"/>, with EAGAIN for EACCES, which fcntl may give for the same.</summary>
    ThrowsAgain,

    /// <summary>As <see cref="Throws"/>, but with a PlatformNotSupportedException that gives advice.</summary>
    ThrowsUnsupported,

    /// <summary>The call is made again, gone around or not needed: the operation succeeds.</summary>
    Succeeds,

    /// <summary>One of the two, by the situation.</summary>
    ThrowsOrSucceeds,
}

/// <summary>Where a failing call is not simply an exception with its error, and why: the first line that applies.</summary>
internal static class FaultAllowances
{
    private const string Any = "";

    private static readonly string[] s_interruptible =
        ["open", "ftruncate", "fallocate", "fchmod", "fchown", "chmod", "pread", "pwrite", "write", "read", "copy_file_range", "splice", "sendfile", "poll", "statfs", "unlink", "getdents64", "memfd_create", "memfd_create again", "inotify_add_watch", "madvise(MADV_POPULATE_WRITE)", "fcntl(F_OFD_SETLK)", "fcntl(F_OFD_SETLKW)", "fcntl(F_OFD_SETLK, F_UNLCK)"];

    private static readonly (string Path, string Call, Errno[] Errors, FaultOutcome Outcome, string Reason)[] s_table =
    [
        (Any, "statx", [Errno.ENOSYS, Errno.EPERM, Errno.EINVAL], FaultOutcome.Succeeds, "status.lacking: newfstatat answers."),
        (Any, "linkat(/)", [], FaultOutcome.Succeeds, "It only says whether linkat has a way here: without one, by a temporary name."),
        (Any, "fcntl(kind)", [], FaultOutcome.Succeeds, "A file that has no seals: statx shows its kind."),
        (Any, "fcntl(F_SETFL)", [], FaultOutcome.Succeeds, "It only takes O_NONBLOCK away, which means nothing for a regular file."),
        ("OpenDescriptor", "fcntl(F_GET_SEALS)", [Errno.EINVAL], FaultOutcome.ThrowsArgument, "Not memory, says the kernel."),
        ("OpenDescriptor", "open", [Errno.EAGAIN], FaultOutcome.ThrowsOrSucceeds, "As for other opens: opened again."),
        ("OpenDescriptor", "open", [Errno.ENOENT, Errno.EACCES], FaultOutcome.ThrowsOrSucceeds, "Not a descriptor of the first thread: opened through another one."),
        ("OpenDescriptor", "statx", [Errno.ENOENT, Errno.EACCES], FaultOutcome.ThrowsOrSucceeds, "statx of a descriptor knows neither; taken for one of open."),
        ("OpenDescriptor", Any, [], FaultOutcome.Throws, "Each step decides whether it is memory."),
        ("Dispose", Any, [], FaultOutcome.Succeeds, "Disposing does not throw; a name that cannot be removed is left."),
        (Any, "fcntl(F_SET_RW_HINT)", [], FaultOutcome.Succeeds, "Without the mark the object is never taken for one that was left behind."),
        (Any, "fcntl(F_GET_RW_HINT)", [], FaultOutcome.Succeeds, "As above."),
        ("Create Reserved UnlinkOnDispose", "fcntl(F_OFD_SETLK)", [], FaultOutcome.Succeeds, "As for the mark."),
        ("Create Sparse UnlinkOnDispose", "fcntl(F_OFD_SETLK)", [], FaultOutcome.Succeeds, "As for the mark."),
        ("OpenOrCreate Reserved UnlinkOnDispose", "fcntl(F_OFD_SETLK)", [], FaultOutcome.Succeeds, "As for the mark."),
        ("OpenOrCreate Sparse UnlinkOnDispose", "fcntl(F_OFD_SETLK)", [], FaultOutcome.Succeeds, "As for the mark."),
        ("Publish NoReplace UnlinkOnDispose", "fcntl(F_OFD_SETLK)", [], FaultOutcome.Succeeds, "As for the mark."),
        ("Publish Replace UnlinkOnDispose", "fcntl(F_OFD_SETLK)", [], FaultOutcome.Succeeds, "As for the mark."),
        ("Exists", "statx", [Errno.ENOENT], FaultOutcome.Succeeds, "No such name: false."),
        ("OpenWhenReady", "open", [Errno.ENOENT, Errno.EAGAIN], FaultOutcome.ThrowsOrSucceeds, "No such name yet: waited for. Or a probe: opened again."),
        ("Rename own", "renameat2", [Errno.EINVAL, Errno.ENOSYS], FaultOutcome.Succeeds, "As for the other renames: by a second name."),
        ("OpenWhenReady", "fcntl(F_OFD_GETLK)", [Errno.EINVAL, Errno.ENOSYS, Errno.EOPNOTSUPP, Errno.ENOLCK], FaultOutcome.Succeeds, "A kernel without such locks: it has no members."),
        ("OpenWhenReady", "statx", [Errno.ENOENT], FaultOutcome.ThrowsOrSucceeds, "No such name yet: then it is opened."),
        (Any, "statx(mode)", [], FaultOutcome.Succeeds, "Not known to have the right permissions: they are set."),
        (Any, "fcntl(F_OFD_SETLK, F_UNLCK)", [], FaultOutcome.Succeeds, "The act is done; the lock ends with the descriptor."),
        ("Map", "madvise(MADV_POPULATE_WRITE)", [Errno.EINTR, Errno.EINVAL, Errno.EOPNOTSUPP], FaultOutcome.Succeeds, "Populating: made again, or page by page."),
        ("Map", "madvise(MADV_POPULATE_WRITE)", [], FaultOutcome.Throws, "Populating."),
        (Any, "madvise", [], FaultOutcome.Succeeds, "Advice."),
        ("FromHandle", "fcntl(F_GET_SEALS)", [Errno.EINVAL], FaultOutcome.ThrowsArgument, "Not memory, says the kernel."),
        ("FromHandle", "fstatfs", [], FaultOutcome.Throws, "It shows whether the descriptor is memory."),
        (Any, "fstatfs", [], FaultOutcome.Succeeds, "It is asked for the room there is; without an answer the kernel judges."),
        ("EnumerateUnnamed", "open", [], FaultOutcome.ThrowsOrSucceeds, "The first one is made to follow symbolic links to the directory, which are rare; the others belong to processes that are then unknown."),
        ("EnumerateUnnamed", "statx", [], FaultOutcome.Succeeds, "A descriptor that cannot be looked at does not belong to shared memory."),
        ("Entry asked", "fcntl", [], FaultOutcome.Succeeds, "Null: the kernel does not say."),
        ("Entry asked", "open", [Errno.EACCES], FaultOutcome.ThrowsOrSucceeds, "Null of the object, which this user may not look at; of the directory it is an error."),
        ("Entry asked", "statx", [Errno.EACCES], FaultOutcome.ThrowsOrSucceeds, "fstat knows no EACCES; taken for one of open."),
        ("HasOtherMembers", "fcntl", [Errno.EINVAL, Errno.ENOSYS, Errno.EOPNOTSUPP], FaultOutcome.ThrowsUnsupported, "Without such locks it is not known."),
        ("HasOtherMembers", "fcntl", [], FaultOutcome.Throws, "Whether there are members is what was asked."),
        (Any, "open", [Errno.EAGAIN], FaultOutcome.ThrowsOrSucceeds, "An object is opened again: somebody asked whether others have it open."),
        ("IndexHolders", "statx later", [], FaultOutcome.Succeeds, "A descriptor that cannot be looked at does not belong to shared memory."),
        ("GetHolders", "statx later", [], FaultOutcome.Succeeds, "A descriptor that cannot be looked at does not belong to shared memory."),

        ("Open as a member", "fcntl(F_OFD_GETLK)", [Errno.EINVAL, Errno.ENOSYS, Errno.EOPNOTSUPP], FaultOutcome.Succeeds, "A kernel without such locks: no process holds a membership."),
        ("OpenOrCreate", "fcntl(F_OFD_GETLK)", [Errno.EINVAL, Errno.ENOSYS, Errno.EOPNOTSUPP], FaultOutcome.ThrowsOrSucceeds, "As above; membership is then asked for, which says so."),
        ("Open ", "fcntl(F_OFD_GETLK)", [Errno.EINVAL, Errno.ENOSYS, Errno.EOPNOTSUPP], FaultOutcome.Succeeds, "As above."),
        ("TryOpen", "fcntl(F_OFD_GETLK)", [Errno.EINVAL, Errno.ENOSYS, Errno.EOPNOTSUPP], FaultOutcome.Succeeds, "As above."),
        ("Entry opened", "fcntl(F_OFD_GETLK)", [Errno.EINVAL, Errno.ENOSYS, Errno.EOPNOTSUPP], FaultOutcome.Succeeds, "As above."),
        ("Open as a member", "fcntl(F_OFD_SETLK)", [], FaultOutcome.Succeeds, "EAGAIN: opened again. Otherwise it is opened without becoming a member, as by shm_open."),
        ("TryOpen joining", "fcntl(F_OFD_SETLK)", [Errno.EAGAIN, Errno.EACCES], FaultOutcome.Succeeds, "The last user is removing the name: opened again."),
        ("TryOpen resuming", "fcntl(F_GET_RW_HINT)", [], FaultOutcome.Succeeds, "Without the mark the object is never taken for one that was left behind: it is opened as by TryOpen."),
        ("TryOpen resuming", "fcntl(F_OFD_GETLK)", [Errno.EINVAL, Errno.ENOSYS, Errno.EOPNOTSUPP], FaultOutcome.Succeeds, "A kernel without such locks: no process holds a membership."),
        ("TryOpen resuming", "fcntl(F_OFD_SETLK)", [Errno.EAGAIN, Errno.EACCES], FaultOutcome.Succeeds, "The object is being replaced: opened again."),
        ("OpenOrCreate joining", "fcntl(F_OFD_SETLK)", [Errno.EAGAIN, Errno.EACCES], FaultOutcome.Succeeds, "The last user is removing the name: opened again."),
        ("OpenOrCreate", "fcntl(F_OFD_SETLK)", [Errno.EEXIST], FaultOutcome.ThrowsOrSucceeds, "fcntl knows no EEXIST; taken for one of linkat."),
        ("Publish Replace", "fcntl(publishing)", [], FaultOutcome.Succeeds, "It proves that the maker of a temporary name lives; without it nobody can prove the contrary."),
        ("SetLength", "fcntl(F_OFD_SETLK)", [Errno.EAGAIN, Errno.EACCES], FaultOutcome.Succeeds, "Another has the turn: tried again."),
        ("SetLength", "fcntl(F_OFD_SETLK)", [Errno.EINVAL, Errno.ENOSYS, Errno.EOPNOTSUPP], FaultOutcome.Succeeds, "A kernel or file system without such locks: nothing is in the way."),
        ("SetLength", "fcntl(F_OFD_GETLK)", [], FaultOutcome.Succeeds, "As above."),
        (Any, "fcntl(F_OFD_SETLK)", [Errno.EACCES], FaultOutcome.ThrowsAgain, "POSIX lets fcntl say either."),
        (Any, "fcntl(F_OFD_SETLK)", [Errno.EINVAL, Errno.ENOSYS, Errno.EOPNOTSUPP], FaultOutcome.ThrowsUnsupported, "A kernel without such locks."),

        ("Open OpenOrCreate missing", "statx", [], FaultOutcome.ThrowsAfterTheStep, "errors.clean: stays as with shm_open."),
        ("Open Create missing", "statx", [], FaultOutcome.ThrowsAfterTheStep, "errors.clean: stays as with shm_open."),
        ("Open Create existing", Any, [], FaultOutcome.ThrowsAfterTheStep, "O_TRUNC has emptied it already."),
        ("Open Truncate existing", Any, [], FaultOutcome.ThrowsAfterTheStep, "O_TRUNC has emptied it already."),
        ("Open OpenOrCreate missing", "fcntl(F_OFD_GETLK)", [], FaultOutcome.ThrowsAfterTheStep, "errors.clean: stays as with shm_open."),
        ("Open Create missing", "fcntl(F_OFD_GETLK)", [], FaultOutcome.ThrowsAfterTheStep, "errors.clean: stays as with shm_open."),
        ("TryOpen joining", "open", [Errno.ENOENT, Errno.EEXIST], FaultOutcome.ThrowsOrSucceeds, "False; open without O_CREAT knows no EEXIST, which is taken for an object that was left behind."),
        ("TryOpen", "open", [Errno.ENOENT], FaultOutcome.Succeeds, "False."),
        ("TryOpen resuming", "open", [Errno.ENOENT], FaultOutcome.Succeeds, "False."),
        ("TryOpen resuming", "statx", [Errno.ENOENT], FaultOutcome.ThrowsOrSucceeds, "fstat knows no ENOENT; taken for one of open."),
        ("TryOpen", "statx", [Errno.ENOENT], FaultOutcome.ThrowsOrSucceeds, "fstat knows no ENOENT; taken for one of open."),
        ("TryUnlink", "unlink", [Errno.ENOENT], FaultOutcome.Succeeds, "False."),
        ("OpenOrCreate", "open", [Errno.ENOENT, Errno.EEXIST], FaultOutcome.ThrowsOrSucceeds, "The answers that race with creators and removers."),
        ("OpenOrCreate", "statx", [Errno.ENOENT], FaultOutcome.ThrowsOrSucceeds, "fstat knows no ENOENT; taken for one of open."),
        ("OpenOrCreate", "linkat", [Errno.EEXIST], FaultOutcome.Succeeds, "Somebody was faster: opened."),
        (Any, "linkat", [Errno.ENOENT, Errno.ENOSYS, Errno.EPERM, Errno.EINVAL], FaultOutcome.ThrowsOrSucceeds, "Before Linux 6.10, and where a filter refuses AT_EMPTY_PATH, by way of /proc/self/fd."),
        ("Publish Replace", "linkat", [Errno.EEXIST], FaultOutcome.ThrowsOrSucceeds, "Taken: by way of a temporary name; thrown only where that is taken too."),
        ("Create", "statx", [Errno.ENOENT], FaultOutcome.ThrowsOrSucceeds, "The name is free, says the look before a large length is reserved."),
        ("IsUnlinked", "statx", [Errno.ENOENT], FaultOutcome.ThrowsOrSucceeds, "No such name: unlinked."),
        ("Enumerate", "statx", [Errno.ENOENT], FaultOutcome.Succeeds, "Gone meanwhile."),
        ("Entry", "statx", [Errno.ENOENT], FaultOutcome.ThrowsOrSucceeds, "Gone meanwhile; or another one."),
        ("Rename Replace", "statx", [Errno.ENOENT], FaultOutcome.Succeeds, "No twin."),
        ("Rename Replace", "statx", [], FaultOutcome.ThrowsAfterTheStep, "The look for twins follows the rename."),
        ("Rename Exchange", "renameat2", [Errno.ENOENT, Errno.EEXIST], FaultOutcome.ThrowsOrSucceeds, "The answers that race with creators and removers."),

        ("CopyFrom", "splice", [Errno.EINVAL, Errno.EPERM, Errno.ENOSYS, Errno.EOPNOTSUPP, Errno.EXDEV], FaultOutcome.Succeeds, "copy.fallback: through a buffer."),
        ("CopyFrom", "copy_file_range", [Errno.EINVAL, Errno.EPERM, Errno.ENOSYS, Errno.EOPNOTSUPP, Errno.EXDEV], FaultOutcome.Succeeds, "copy.fallback: through a buffer."),
        ("CopyTo", "sendfile", [Errno.EINVAL, Errno.EPERM, Errno.ENOSYS, Errno.EOPNOTSUPP, Errno.EXDEV], FaultOutcome.Succeeds, "copy.fallback: through a buffer."),
        ("CopyFrom", "pwrite", [Errno.ENOSPC], FaultOutcome.Succeeds, "The memory is reserved, which says how much is missing, and the piece written once more."),
        ("CopyTo", "sendfile", [Errno.EAGAIN], FaultOutcome.Succeeds, "copy.full: waited for."),
        ("CopyTo", "write", [Errno.EAGAIN], FaultOutcome.Succeeds, "copy.full: waited for."),
        ("GetAllocatedRanges", "cachestat first", [], FaultOutcome.Succeeds, "Before Linux 6.5: lseek."),
        ("GetPageStates", "cachestat first", [], FaultOutcome.Succeeds, "Before Linux 6.5: lseek."),
        ("FindHugePages", "statx later", [], FaultOutcome.Succeeds, "As for GetHolders."),
        ("Discard", "fallocate", [Errno.EOPNOTSUPP, Errno.ENOSYS, Errno.EPERM, Errno.EINVAL], FaultOutcome.ThrowsUnsupported, "A file system that cannot give memory back."),
        ("SetLength", "process_vm_writev", [], FaultOutcome.Succeeds, "The last page is cleared through a pipe, or is gone."),
        ("SetLength grow Sparse", "fallocate(grow)", [Errno.EOPNOTSUPP, Errno.ENOSYS, Errno.EPERM, Errno.EINVAL], FaultOutcome.Succeeds, "By ftruncate, in turn."),
        ("SetLength grow unaligned Sparse", "fallocate(grow)", [Errno.EOPNOTSUPP, Errno.ENOSYS, Errno.EPERM, Errno.EINVAL], FaultOutcome.Succeeds, "By ftruncate, in turn."),
        ("Create", "fallocate(grow)", [Errno.EOPNOTSUPP, Errno.ENOSYS, Errno.EPERM, Errno.EINVAL], FaultOutcome.Succeeds, "length.written: by zeros."),
        ("OpenOrCreate", "fallocate(grow)", [Errno.EOPNOTSUPP, Errno.ENOSYS, Errno.EPERM, Errno.EINVAL], FaultOutcome.Succeeds, "length.written: by zeros."),
        ("Write", "fallocate(grow)", [Errno.EOPNOTSUPP, Errno.ENOSYS, Errno.EPERM, Errno.EINVAL], FaultOutcome.Succeeds, "Written without being reserved."),
        ("SetLength grow sealed", "fallocate(grow)", [Errno.EPERM], FaultOutcome.Throws, "What a seal refuses is not missing."),
        (Any, "fallocate(grow)", [Errno.EOPNOTSUPP, Errno.ENOSYS, Errno.EPERM, Errno.EINVAL], FaultOutcome.ThrowsUnsupported, "A file system that cannot reserve."),
        ("CreateAnonymous", "memfd_create again", [Errno.EINVAL], FaultOutcome.Throws, "Before Linux 6.3 this was the call without the young flag: there is no third."),
        ("CreateAnonymous", "memfd_create", [Errno.EINVAL], FaultOutcome.Succeeds, "anonymous.oldkernel: made again without the young flag."),
        ("CreateAnonymous", "memfd_create", [Errno.ENOSYS], FaultOutcome.ThrowsUnsupported, "anonymous.filtered."),
        ("Map read-only sealed", "mmap", [Errno.EPERM, Errno.EACCES], FaultOutcome.Succeeds, "seals.private."),
        ("SetLength grow sealed", "fcntl(F_GET_SEALS)", [], FaultOutcome.ThrowsPermission, "Nobody knows then why the page could not be mapped: the refusal of mmap surfaces."),
        ("SetLength grow sealed", "mmap", [Errno.EPERM, Errno.EACCES], FaultOutcome.ThrowsOrSucceeds, "The first is what the seal makes it."),
        ("SetLength grow sealed", "process_vm_readv", [], FaultOutcome.Succeeds, "Then through a pipe."),
        ("IsStable", "fcntl(F_GET_SEALS)", [], FaultOutcome.Succeeds, "Not known to be stable: false."),
        ("Reserve", "cachestat", [], FaultOutcome.Succeeds, "Nobody tells then how much is there already: all that may."),
        ("Write", "cachestat", [], FaultOutcome.Succeeds, "The memory is reserved whether it is there or not."),
        ("CopyFrom", "cachestat", [], FaultOutcome.Succeeds, "As for Write."),
        (Any, "open(to lock)", [Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM], FaultOutcome.Throws, "The message says what can be cured."),
        (Any, "open(to lock)", [], FaultOutcome.Succeeds, "The lock is taken on the open that it shares."),
        ("Create", "open", [Errno.EOPNOTSUPP, Errno.EINVAL, Errno.ENOSYS, Errno.EPERM], FaultOutcome.Succeeds, "Without O_TMPFILE: under a temporary name."),
        ("OpenOrCreate", "open(O_TMPFILE)", [Errno.EOPNOTSUPP, Errno.EINVAL, Errno.ENOSYS, Errno.EPERM], FaultOutcome.Succeeds, "Without O_TMPFILE: under a temporary name."),
        (Any, "unlink", [Errno.EPERM], FaultOutcome.ThrowsAccess, "POSIX says EACCES."),
        (Any, "rename", [Errno.EPERM], FaultOutcome.ThrowsAccess, "shm_rename says EACCES."),
        ("Rename Exchange to a free name", "renameat2 later", [Errno.ENOSYS, Errno.EINVAL], FaultOutcome.Succeeds, "The second moves the name, by link and unlink."),
        ("Rename NoReplace", "renameat2", [Errno.ENOSYS, Errno.EINVAL], FaultOutcome.Succeeds, "By link and unlink."),
        (Any, "renameat2", [Errno.ENOSYS, Errno.EINVAL], FaultOutcome.ThrowsUnsupported, "A kernel, file system or filter without renameat2."),
        (Any, "renameat2", [Errno.EPERM], FaultOutcome.ThrowsAccess, "shm_rename says EACCES."),
        (Any, "linkat", [Errno.EPERM], FaultOutcome.ThrowsAccess, "As for the other names."),
    ];

    internal static FaultOutcome Of(string path, IReadOnlyList<string> calls, int at, Errno errno)
    {
        var call = RoleOf(path, calls, at);
        if (errno == Errno.EINTR && s_interruptible.Contains(call.Split('(')[0] is "fallocate" or "open" ? call.Split('(')[0] : call, StringComparer.Ordinal))
        {
            return FaultOutcome.Succeeds;
        }

        foreach (var line in s_table)
        {
            var sameCall = line.Call.Length == 0 || line.Call == call || (!line.Call.Contains('(') && !line.Call.Contains(' ') && CallScript.Matches(calls[at], line.Call));
            if (path.StartsWith(line.Path, StringComparison.Ordinal) && sameCall && (line.Errors.Length == 0 || line.Errors.Contains(errno)))
            {
                return line.Outcome;
            }
        }

        return FaultOutcome.Throws;
    }

    /// <summary>Tells calls of one C name apart by what they are for, which the calls before them show.</summary>
    private static string RoleOf(string path, IReadOnlyList<string> calls, int at)
    {
        var call = calls[at];
        var before = calls.Take(at).ToList();
        return call switch
        {
            "renameat2" when before.Contains("renameat2", StringComparer.Ordinal) => "renameat2 later",
            "fcntl(F_OFD_SETLK)" when path.StartsWith("Publish Replace", StringComparison.Ordinal) && before.Contains("linkat", StringComparer.Ordinal) => "fcntl(publishing)",
            "statx" when path is "GetHolders" or "IndexHolders" or "FindHugePages" && before.Contains("statx", StringComparer.Ordinal) => "statx later",
            "statx" when before is [.., "fallocate" or "ftruncate" or "fchown"] && !path.StartsWith("SetLength", StringComparison.Ordinal) => "statx(mode)",
            "fcntl(F_GET_SEALS)" when before is [.., "open"] => "fcntl(kind)",
            "memfd_create" when before.Contains("memfd_create", StringComparer.Ordinal) => "memfd_create again",
            "cachestat" when !before.Contains("cachestat", StringComparer.Ordinal) => "cachestat first",
            "fallocate" when path != "Discard" => "fallocate(grow)",
            "open" when path.StartsWith("SetLength", StringComparison.Ordinal) => before.Contains("fcntl(F_OFD_SETLK)", StringComparer.Ordinal) ? "open" : "open(to lock)",
            "open" when before.Contains("open", StringComparer.Ordinal) => "open(O_TMPFILE)",
            _ => call,
        };
    }
}
