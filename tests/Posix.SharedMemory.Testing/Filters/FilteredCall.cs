namespace Posix.SharedMemory.Testing;

/// <summary>A call of the library that a filter in front of the kernel may refuse.</summary>
/// <param name="Name">As the library names it: <c>fcntl(F_OFD_SETLK)</c>.</param>
/// <param name="KernelNames">The system calls it is, as strace prints them.</param>
/// <param name="Rules">What a filter refuses that refuses this call.</param>
internal sealed record FilteredCall(string Name, string[] KernelNames, params FilterRule[] Rules)
{
    /// <summary>Gets every call that the library makes on Linux, except those of <see cref="NeverRefused"/>.</summary>
    /// <remarks>
    /// The walk fails when the library makes a call that is not here. The numbers are those of the kernel's tables: <c>asm/unistd_64.h</c> and <c>asm-generic/unistd.h</c>.
    /// A call by which the runtime lives too is refused only with the arguments that are the library's: <c>mmap</c> of a file, <c>mprotect</c> to less than writing.
    /// </remarks>
    internal static IReadOnlyList<FilteredCall> All { get; } =
    [
        new("open", ["openat", "open"], new(257, 56), new(2, -1)),
        new("open(O_TMPFILE)", ["openat", "open"], new FilterRule(257, 56).WhereSet(2, 0x400000), new FilterRule(2, -1).WhereSet(1, 0x400000)),
        new("open(O_PATH)", ["openat", "open"], new FilterRule(257, 56).WhereSet(2, 0x200000), new FilterRule(2, -1).WhereSet(1, 0x200000)),
        new("statx", ["statx"], new FilterRule(332, 291)),
        new("newfstatat", ["newfstatat", "stat", "lstat"], new(262, 79), new(4, -1), new(6, -1)),
        new("fstat", ["fstat", "newfstatat"], new(5, 80), new(262, 79)),
        new("readlink", ["readlink", "readlinkat"], new(89, -1), new(267, 78)),
        new("unlink", ["unlink", "unlinkat"], new(87, -1), new(263, 35)),
        new("rename", ["rename", "renameat"], new(82, -1), new(264, 38)),
        new("renameat2", ["renameat2"], new FilterRule(316, 276)),
        new("linkat", ["linkat"], new FilterRule(265, 37)),
        new("linkat(AT_EMPTY_PATH)", ["linkat"], new FilterRule(265, 37).WhereSet(4, 0x1000)),
        new("symlink", ["symlink", "symlinkat"], new(88, -1), new(266, 36)),
        new("chmod", ["chmod", "fchmodat"], new(90, -1), new(268, 53)),
        new("fchmod", ["fchmod"], new FilterRule(91, 52)),
        new("fchown", ["fchown"], new FilterRule(93, 55)),
        new("ftruncate", ["ftruncate"], new FilterRule(77, 46)),
        new("fallocate", ["fallocate"], new FilterRule(285, 47)),
        new("fallocate(FALLOC_FL_PUNCH_HOLE)", ["fallocate"], new FilterRule(285, 47).WhereSet(1, 2)),
        new("fstatfs", ["fstatfs"], new FilterRule(138, 44)),
        new("statfs", ["statfs"], new FilterRule(137, 43)),
        new("memfd_create", ["memfd_create"], new FilterRule(319, 279)),
        new("getdents64", ["getdents64"], new FilterRule(217, 61)),
        new("pread", ["pread64"], new FilterRule(17, 67)),
        new("pwrite", ["pwrite64"], new FilterRule(18, 68)),
        new("read", ["read"], new FilterRule(0, 63)),
        new("write", ["write"], new FilterRule(1, 64)),
        new("lseek", ["lseek"], new FilterRule(8, 62)),
        new("copy_file_range", ["copy_file_range"], new FilterRule(326, 285)),
        new("sendfile", ["sendfile"], new FilterRule(40, 71)),
        new("splice", ["splice"], new FilterRule(275, 76)),
        new("poll", ["poll", "ppoll"], new(7, -1), new(271, 73)),
        new("kcmp", ["kcmp"], new FilterRule(312, 272)),
        new("quotactl_fd", ["quotactl_fd"], new FilterRule(443, 443)),
        new("cachestat", ["cachestat"], new FilterRule(451, 451)),
        new("process_vm_readv", ["process_vm_readv"], new FilterRule(310, 270)),
        new("process_vm_writev", ["process_vm_writev"], new FilterRule(311, 271)),
        new("mmap", ["mmap"], new FilterRule(9, 222).WhereNot(4, uint.MaxValue)),
        new("madvise", ["madvise"], new FilterRule(28, 233)),
        new("mprotect", ["mprotect"], new FilterRule(10, 226).Where(2, 1)),
        new("msync", ["msync"], new FilterRule(26, 227)),
        new("mlock", ["mlock"], new FilterRule(149, 228)),
        new("munlock", ["munlock"], new FilterRule(150, 229)),
        Fcntl("F_GETFD", 1), Fcntl("F_SETFD", 2), Fcntl("F_GETFL", 3), Fcntl("F_SETFL", 4), Fcntl("F_SETSIG", 10), Fcntl("F_SETLEASE", 1024),
        Fcntl("F_OFD_GETLK", 36), Fcntl("F_OFD_SETLK", 37), Fcntl("F_OFD_SETLKW", 38), Fcntl("F_GET_RW_HINT", 1035), Fcntl("F_SET_RW_HINT", 1036), Fcntl("F_ADD_SEALS", 1033), Fcntl("F_GET_SEALS", 1034),
        new("ioctl(PAGEMAP_SCAN)", ["ioctl"], new FilterRule(16, 29).Where(1, 0xc0606610)),
        new("inotify_init1", ["inotify_init1"], new FilterRule(294, 26)),
        new("inotify_add_watch", ["inotify_add_watch"], new FilterRule(254, 27)),
        new("pipe2", ["pipe2"], new FilterRule(293, 59)),
        new("sendmsg", ["sendmsg"], new FilterRule(46, 211)),
        new("recvmsg", ["recvmsg"], new FilterRule(47, 212)),
        new("getsockopt", ["getsockopt"], new FilterRule(55, 209)),
        new("getrlimit", ["getrlimit", "prlimit64"], new(97, -1), new(302, 261)),
        new("sysinfo", ["sysinfo"], new FilterRule(99, 179)),
        new("rt_sigprocmask", ["rt_sigprocmask"], new FilterRule(14, 135)),
        new("flock", ["flock"], new FilterRule(73, 32)),
    ];

    /// <summary>Gets the calls of the kernel that are not refused, with the reason.</summary>
    internal static IReadOnlyDictionary<string, string> NeverRefused { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["close"] = "A process that may not close keeps everything; the promises about cleaning up end there.",
        ["munmap"] = "As for close.",
        ["getpid"] = "It cannot fail.",
        ["gettid"] = "It cannot fail.",
        ["futex"] = "The runtime cannot live without it.",
        ["sched_yield"] = "It cannot fail, and its result is not looked at.",
    };

    /// <summary>Gets the call without its command or flags.</summary>
    internal string Family => FamilyOf(Name);

    /// <summary>Returns whether a filter that refuses this call may meet a call that the library names so.</summary>
    internal bool Refuses(string recorded)
    {
        var family = Family;
        return family == FamilyOf(recorded) && (Name == family || family != "fcntl" || recorded.StartsWith(Name[..^1], StringComparison.Ordinal));
    }

    private static string FamilyOf(string name) => name.Split('(')[0];

    private static FilteredCall Fcntl(string command, uint number) => new($"fcntl({command})", ["fcntl"], new FilterRule(72, 25).Where(1, number));
}
