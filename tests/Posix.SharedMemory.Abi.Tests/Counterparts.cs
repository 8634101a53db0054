using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory.Abi.Tests;

/// <summary>What our names are called in C, and since when C has them.</summary>
internal static partial class Counterparts
{
    // Our type, C's type, and a macro that is there exactly where the headers have the type.
    private static readonly Dictionary<string, (string Name, string? Guard)> s_types = new(StringComparer.Ordinal)
    {
        [nameof(PollDescriptor)] = ("struct pollfd", null),
        [nameof(ResourceLimit)] = ("struct rlimit", null),
        [nameof(IoVector)] = ("struct iovec", null),
        [nameof(LinuxCachestat)] = ("struct cachestat", "__NR_cachestat"),
        [nameof(LinuxCachestatRange)] = ("struct cachestat_range", "__NR_cachestat"),
        // No header for programs has linux_dirent64; on a 64-bit system libc hands its records on unchanged.
        [nameof(LinuxDirent64)] = ("struct dirent", null),
        [nameof(LinuxMessageHeader)] = ("struct msghdr", null),
        [nameof(LinuxControlHeader)] = ("struct cmsghdr", null),
        [nameof(LinuxCredentials)] = ("struct ucred", null),
        [nameof(BsdMessageHeader)] = ("struct msghdr", null),
        [nameof(BsdControlHeader)] = ("struct cmsghdr", null),
        [nameof(MacOSCredentials)] = ("struct xucred", null),
        [nameof(FreeBsdCredentials)] = ("struct xucred", null),
        [nameof(LinuxInotifyEvent)] = ("struct inotify_event", "IN_ISDIR"),
        [nameof(LinuxPagemapScan)] = ("struct pm_scan_arg", "PAGEMAP_SCAN"),
        [nameof(LinuxPageRegion)] = ("struct page_region", "PAGEMAP_SCAN"),
        [nameof(LinuxFlock)] = ("struct flock", null),
        [nameof(LinuxStatfs)] = ("struct statfs", null),
        [nameof(LinuxQuota)] = ("struct if_dqblk", "Q_GETQUOTA"),
        [nameof(LinuxSysinfo)] = ("struct sysinfo", null),
        [nameof(LinuxStatx)] = ("struct statx", "STATX_TYPE"),
        [nameof(LinuxStatxTimestamp)] = ("struct statx_timestamp", "STATX_TYPE"),
        [nameof(LinuxStatX64)] = ("struct stat", null),
        [nameof(LinuxStatGeneric)] = ("struct stat", null),
        [nameof(MacOSStat)] = ("struct stat", null),
        [nameof(FreeBsdKinfoFile)] = ("struct kinfo_file", null),
        [nameof(FreeBsdSpacectlRange)] = ("struct spacectl_range", "SPACECTL_DEALLOC"),
        [nameof(FreeBsdStat)] = ("struct stat", null),
    };

    // Younger than headers still in use: where they are missing, the row is skipped. Anything else missing is an error.
    private static readonly Dictionary<string, string> s_lateArrivals = new(StringComparer.Ordinal)
    {
        ["SYS_cachestat"] = "Linux 6.5 and glibc 2.39",
        ["__NR_cachestat"] = "Linux 6.5",
        ["STATX_TYPE"] = "glibc 2.28, musl 1.2.4",
        ["AT_STATX_DONT_SYNC"] = "glibc 2.28",
        ["SCM_PIDFD"] = "Linux 6.5 and a glibc that knows it",
        ["SPACECTL_DEALLOC"] = "FreeBSD 14",
        ["F_SEAL_FUTURE_WRITE"] = "Linux 5.1",
        ["F_SEAL_EXEC"] = "Linux 6.3",
        ["MFD_NOEXEC_SEAL"] = "Linux 6.3",
        ["MFD_EXEC"] = "Linux 6.3",
        ["MADV_POPULATE_READ"] = "Linux 5.14",
        ["MADV_POPULATE_WRITE"] = "Linux 5.14",
        ["MADV_COLLAPSE"] = "Linux 6.1",
        ["PAGEMAP_SCAN"] = "Linux 6.7",
        ["PAGE_IS_HUGE"] = "Linux 6.7",
        ["SYS_quotactl_fd"] = "Linux 5.14",
        ["SYS_pidfd_open"] = "Linux 5.3",
        ["SYS_pidfd_getfd"] = "Linux 5.6",
    };

    // Imports that only some systems have. A name that ends in _linux, _freebsd or _apple… needs no line.
    private static readonly Dictionary<string, string[]> s_imports = new(StringComparer.Ordinal)
    {
        [nameof(Libc.statx)] = ["Linux"],
        [nameof(Libc.newfstatat)] = ["Linux"],
        [nameof(Libc.renameat2)] = ["Linux"],
        [nameof(Libc.getdents64)] = ["Linux"],
        [nameof(Libc.kcmp)] = ["Linux"],
        [nameof(Libc.quotactl_fd)] = ["Linux"],
        [nameof(Libc.rt_sigprocmask)] = ["Linux"],
        [nameof(Libc.cachestat)] = ["Linux"],
        [nameof(Libc.ioctl_pagemap)] = ["Linux"],
        [nameof(Libc.inotify_init1)] = ["Linux"],
        [nameof(Libc.inotify_add_watch)] = ["Linux"],
        [nameof(Libc.fallocate)] = ["Linux"],
        [nameof(Libc.posix_fallocate)] = ["Linux", "FreeBsd"],
        [nameof(Libc.shm_open)] = ["MacOS", "FreeBsd"],
        [nameof(Libc.shm_unlink)] = ["MacOS", "FreeBsd"],
        [nameof(Libc.shm_rename)] = ["FreeBsd"],
        [nameof(Libc.fspacectl)] = ["FreeBsd"],
        [nameof(Libc.process_vm_readv)] = ["Linux"],
        [nameof(Libc.process_vm_writev)] = ["Linux"],
        [nameof(Libc.pipe2)] = ["Linux", "FreeBsd"],
        [nameof(Libc.sysctlbyname)] = ["FreeBsd"],
    };

    // What a type's name begins with says whose it is; a type with none of these beginnings is everybody's.
    private static readonly Dictionary<string, string[]> s_owners = new(StringComparer.Ordinal)
    {
        ["Linux"] = ["Linux"],
        ["MacOS"] = ["MacOS"],
        ["FreeBsd"] = ["FreeBsd"],
        ["Bsd"] = ["MacOS", "FreeBsd"],
    };

    /// <summary>The prefix that our types of the running system have.</summary>
    internal static string ThisSystem { get; } =
        OperatingSystem.IsLinux() ? "Linux" : OperatingSystem.IsMacOS() ? "MacOS" : OperatingSystem.IsFreeBSD() ? "FreeBsd" : "none";

    /// <summary>The architecture that imports of the running one are named after.</summary>
    private static string ThisArchitecture => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "x64";

    internal static bool TryGetType(Type type, out (string Name, string? Guard) counterpart) =>
        s_types.TryGetValue(type.Name, out counterpart);

    /// <summary>C nests where we write <c>st_mtim_sec</c>.</summary>
    internal static string FieldOf(string field) => NestedTime().Replace(field, "${time}.tv_${part}");

    internal static bool IsLateArrival(string macro, out string? since) => s_lateArrivals.TryGetValue(macro, out since);

    /// <summary>Whether the type describes the running system.</summary>
    internal static bool IsOfThisSystem(Type type) => IsOf(ThisSystem, type) && IsOfThisArchitecture(type);

    /// <summary>Whether the type describes the running architecture: x86-64 has some layouts of its own, and the others the generic ones.</summary>
    private static bool IsOfThisArchitecture(Type type) =>
        (!type.Name.EndsWith("X64", StringComparison.Ordinal) || RuntimeInformation.ProcessArchitecture == Architecture.X64)
        && (!type.Name.EndsWith("Generic", StringComparison.Ordinal) || RuntimeInformation.ProcessArchitecture != Architecture.X64);

    /// <summary>Whether the type describes a system.</summary>
    internal static bool IsOf(string system, Type type) => s_owners
        .Where(owner => type.Name.StartsWith(owner.Key, StringComparison.Ordinal))
        .All(owner => owner.Value.Contains(system, StringComparer.Ordinal));

    /// <summary>Whether the running system is to have the function behind the import.</summary>
    internal static bool IsOfThisSystem(string import)
    {
        if (import.Contains("_apple", StringComparison.Ordinal))
        {
            return ThisSystem == "MacOS"
                && (import.EndsWith("_apple", StringComparison.Ordinal) || import.EndsWith(ThisArchitecture, StringComparison.Ordinal));
        }

        return import.EndsWith("_linux", StringComparison.Ordinal) ? ThisSystem == "Linux"
            : import.EndsWith("_freebsd", StringComparison.Ordinal) ? ThisSystem == "FreeBsd"
            : !s_imports.TryGetValue(import, out var systems) || systems.Contains(ThisSystem, StringComparer.Ordinal);
    }

    [GeneratedRegex("^(?<time>st_[a-z]+tim)_(?<part>n?sec)$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NestedTime();
}
