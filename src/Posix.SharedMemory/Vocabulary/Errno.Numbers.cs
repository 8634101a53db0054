namespace Posix.SharedMemory;

public readonly partial record struct Errno
{
    /// <summary>Operation not permitted: a seal, or another user's object.</summary>
    public static Errno EPERM => new(1);

    /// <summary>There is no object of that name.</summary>
    public static Errno ENOENT => new(2);

    /// <summary>A signal arrived first; the library retries, so callers do not meet it.</summary>
    public static Errno EINTR => new(4);

    /// <summary>The device behind a file failed.</summary>
    public static Errno EIO => new(5);

    /// <summary>No such device or address; past the last data when looking for data.</summary>
    public static Errno ENXIO => new(6);

    /// <summary>Not an open descriptor, or not open for this.</summary>
    public static Errno EBADF => new(9);

    /// <summary>No child processes.</summary>
    public static Errno ECHILD => new(10);

    /// <summary>Not now: a lock is held by another, or a socket is full.</summary>
    public static Errno EAGAIN => new(OperatingSystem.IsLinux() ? 11 : 35);

    /// <summary>Out of memory or of address space.</summary>
    public static Errno ENOMEM => new(12);

    /// <summary>Permission denied.</summary>
    public static Errno EACCES => new(13);

    /// <summary>Bad address: the page behind it is gone.</summary>
    public static Errno EFAULT => new(14);

    /// <summary>In use.</summary>
    public static Errno EBUSY => new(16);

    /// <summary>The name is taken.</summary>
    public static Errno EEXIST => new(17);

    /// <summary>On another file system.</summary>
    public static Errno EXDEV => new(18);

    /// <summary>The system lacks this kind of memory.</summary>
    public static Errno ENODEV => new(19);

    /// <summary>Not a directory.</summary>
    public static Errno ENOTDIR => new(20);

    /// <summary>A directory.</summary>
    public static Errno EISDIR => new(21);

    /// <summary>Invalid argument.</summary>
    public static Errno EINVAL => new(22);

    /// <summary>The system has too many open files.</summary>
    public static Errno ENFILE => new(23);

    /// <summary>This process has too many open descriptors.</summary>
    public static Errno EMFILE => new(24);

    /// <summary>Not an operation for this descriptor.</summary>
    public static Errno ENOTTY => new(25);

    /// <summary>The file is being executed.</summary>
    public static Errno ETXTBSY => new(26);

    /// <summary>Larger than the file size limit of the process or of the file system.</summary>
    public static Errno EFBIG => new(27);

    /// <summary>The file system behind shared memory is full.</summary>
    public static Errno ENOSPC => new(28);

    /// <summary>Not seekable: a pipe or a socket.</summary>
    public static Errno ESPIPE => new(29);

    /// <summary>The file system is read-only.</summary>
    public static Errno EROFS => new(30);

    /// <summary>Too many links.</summary>
    public static Errno EMLINK => new(31);

    /// <summary>The reader is gone.</summary>
    public static Errno EPIPE => new(32);

    /// <summary>The name has more bytes than the system allows.</summary>
    public static Errno ENAMETOOLONG => new(OperatingSystem.IsLinux() ? 36 : 63);

    /// <summary>The system lacks this call, or a filter hides it.</summary>
    public static Errno ENOSYS => new(OperatingSystem.IsLinux() ? 38 : 78);

    /// <summary>A symbolic link stands under the name; it is not followed.</summary>
    public static Errno ELOOP => new(OperatingSystem.IsLinux() ? 40 : 62);

    /// <summary>The value does not fit.</summary>
    public static Errno EOVERFLOW => new(OperatingSystem.IsLinux() ? 75 : 84);

    /// <summary>Not supported here.</summary>
    public static Errno EOPNOTSUPP => new(OperatingSystem.IsLinux() ? 95 : OperatingSystem.IsMacOS() ? 102 : 45);

    /// <summary>Not supported here; the same number as EOPNOTSUPP on Linux and FreeBSD.</summary>
    public static Errno ENOTSUP => new(OperatingSystem.IsLinux() ? 95 : 45);

    /// <summary>The peer closed the connection.</summary>
    public static Errno ECONNRESET => new(OperatingSystem.IsLinux() ? 104 : 54);

    /// <summary>A datagram's receiver is gone.</summary>
    public static Errno ECONNREFUSED => new(OperatingSystem.IsLinux() ? 111 : 61);

    /// <summary>Nobody is at the other end.</summary>
    public static Errno ENOTCONN => new(OperatingSystem.IsLinux() ? 107 : 57);

    /// <summary>Not a socket.</summary>
    public static Errno ENOTSOCK => new(OperatingSystem.IsLinux() ? 88 : 38);

    /// <summary>The message is longer than the socket can send as one.</summary>
    public static Errno EMSGSIZE => new(OperatingSystem.IsLinux() ? 90 : 40);

    /// <summary>The kernel has no room for another message.</summary>
    public static Errno ENOBUFS => new(OperatingSystem.IsLinux() ? 105 : 55);

    /// <summary>Too many descriptors of this user are sent and not received yet.</summary>
    public static Errno ETOOMANYREFS => new(OperatingSystem.IsLinux() ? 109 : 59);

    /// <summary>Timed out.</summary>
    public static Errno ETIMEDOUT => new(OperatingSystem.IsLinux() ? 110 : 60);

    /// <summary>Not permitted in capability mode; FreeBSD only.</summary>
    public static Errno ECAPMODE => new(OperatingSystem.IsFreeBSD() ? 94 : -1);

    // EOPNOTSUPP stands before ENOTSUP, so that where the two share a number the first is the name shown.
    private static (Errno Errno, string Name)[] Names() =>
    [
        (EPERM, nameof(EPERM)), (ENOENT, nameof(ENOENT)), (EINTR, nameof(EINTR)), (EIO, nameof(EIO)), (ENXIO, nameof(ENXIO)),
        (EBADF, nameof(EBADF)), (ECHILD, nameof(ECHILD)), (EAGAIN, nameof(EAGAIN)), (ENOMEM, nameof(ENOMEM)), (EACCES, nameof(EACCES)),
        (EFAULT, nameof(EFAULT)), (EBUSY, nameof(EBUSY)), (EEXIST, nameof(EEXIST)), (EXDEV, nameof(EXDEV)), (ENODEV, nameof(ENODEV)),
        (ENOTDIR, nameof(ENOTDIR)), (EISDIR, nameof(EISDIR)), (EINVAL, nameof(EINVAL)), (ENFILE, nameof(ENFILE)), (EMFILE, nameof(EMFILE)),
        (ENOTTY, nameof(ENOTTY)), (ETXTBSY, nameof(ETXTBSY)), (EFBIG, nameof(EFBIG)), (ENOSPC, nameof(ENOSPC)), (ESPIPE, nameof(ESPIPE)),
        (EROFS, nameof(EROFS)), (EMLINK, nameof(EMLINK)), (EPIPE, nameof(EPIPE)), (ENAMETOOLONG, nameof(ENAMETOOLONG)), (ENOSYS, nameof(ENOSYS)),
        (ELOOP, nameof(ELOOP)), (EOVERFLOW, nameof(EOVERFLOW)), (EOPNOTSUPP, nameof(EOPNOTSUPP)), (ENOTSUP, nameof(ENOTSUP)), (ECONNRESET, nameof(ECONNRESET)),
        (ECONNREFUSED, nameof(ECONNREFUSED)), (ENOTCONN, nameof(ENOTCONN)), (ENOTSOCK, nameof(ENOTSOCK)), (EMSGSIZE, nameof(EMSGSIZE)), (ENOBUFS, nameof(ENOBUFS)),
        (ETOOMANYREFS, nameof(ETOOMANYREFS)), (ETIMEDOUT, nameof(ETIMEDOUT)), (ECAPMODE, nameof(ECAPMODE)),
    ];
}
