namespace Posix.SharedMemory;

/// <summary>A system error under its POSIX name, the same on every system: the values are Linux's numbers.</summary>
/// <remarks>
/// <see cref="SharedMemoryException.NativeErrorCode"/> is the running system's own number. On Linux an error without a name here is
/// <c>(Errno)number</c>. <see href="https://man7.org/linux/man-pages/man3/errno.3.html">errno(3)</see>
/// </remarks>
public enum Errno
{
    /// <summary>An error that has no name here, on a system other than Linux; <see cref="SharedMemoryException.NativeErrorCode"/> has its number.</summary>
    Unknown = -1,

    /// <summary>No error.</summary>
    None = 0,

    /// <summary>The operation is not permitted: a seal forbids it, or the object belongs to another user.</summary>
    EPERM = 1,

    /// <summary>No object has that name.</summary>
    ENOENT = 2,

    /// <summary>A signal arrived before the call finished. The library retries, so callers do not see it.</summary>
    EINTR = 4,

    /// <summary>A device failed while its file was read or written.</summary>
    EIO = 5,

    /// <summary>No such device or address; or no data at or after the offset.</summary>
    ENXIO = 6,

    /// <summary>The descriptor is not open, or not open for this access.</summary>
    EBADF = 9,

    /// <summary>The process has no such child.</summary>
    ECHILD = 10,

    /// <summary>The call would have to wait: another process holds a lock, or a socket is full.</summary>
    EAGAIN = 11,

    /// <summary>Out of memory or of address space.</summary>
    ENOMEM = 12,

    /// <summary>Permission denied.</summary>
    EACCES = 13,

    /// <summary>The page at this address cannot be accessed.</summary>
    EFAULT = 14,

    /// <summary>The resource is in use.</summary>
    EBUSY = 16,

    /// <summary>The name is already taken.</summary>
    EEXIST = 17,

    /// <summary>The two names are on different file systems.</summary>
    EXDEV = 18,

    /// <summary>The system does not have this kind of memory.</summary>
    ENODEV = 19,

    /// <summary>A component of the path is not a directory.</summary>
    ENOTDIR = 20,

    /// <summary>The path names a directory.</summary>
    EISDIR = 21,

    /// <summary>An argument is not valid.</summary>
    EINVAL = 22,

    /// <summary>The system has reached its limit of open files.</summary>
    ENFILE = 23,

    /// <summary>This process has reached its limit of open descriptors.</summary>
    EMFILE = 24,

    /// <summary>The descriptor does not support this operation.</summary>
    ENOTTY = 25,

    /// <summary>The file is being executed.</summary>
    ETXTBSY = 26,

    /// <summary>Larger than the process (RLIMIT_FSIZE) or the file system allows.</summary>
    EFBIG = 27,

    /// <summary>The file system is full.</summary>
    ENOSPC = 28,

    /// <summary>The descriptor is a pipe or a socket, which has no offsets.</summary>
    ESPIPE = 29,

    /// <summary>The file system is read-only.</summary>
    EROFS = 30,

    /// <summary>The file already has as many names as the file system allows.</summary>
    EMLINK = 31,

    /// <summary>The reading end is closed.</summary>
    EPIPE = 32,

    /// <summary>Waiting would be a deadlock.</summary>
    EDEADLK = 35,

    /// <summary>The name is longer than the system allows.</summary>
    ENAMETOOLONG = 36,

    /// <summary>The file system has no locks, or no more of them.</summary>
    ENOLCK = 37,

    /// <summary>The system does not have this call, or a filter hides it.</summary>
    ENOSYS = 38,

    /// <summary>The name is a symbolic link, which is not followed.</summary>
    ELOOP = 40,

    /// <summary>The value does not fit.</summary>
    EOVERFLOW = 75,

    /// <summary>The descriptor is not a socket.</summary>
    ENOTSOCK = 88,

    /// <summary>The message is longer than the socket can send at once.</summary>
    EMSGSIZE = 90,

    /// <summary>The operation is not supported here. Also the error that POSIX calls <c>ENOTSUP</c>.</summary>
    EOPNOTSUPP = 95,

    /// <summary>A process listens at the address already.</summary>
    EADDRINUSE = 98,

    /// <summary>The peer closed the connection.</summary>
    ECONNRESET = 104,

    /// <summary>The kernel has no memory for another message.</summary>
    ENOBUFS = 105,

    /// <summary>The socket is not connected.</summary>
    ENOTCONN = 107,

    /// <summary>This user has too many descriptors in messages that have not been received yet.</summary>
    ETOOMANYREFS = 109,

    /// <summary>The time limit passed.</summary>
    ETIMEDOUT = 110,

    /// <summary>The receiver of a datagram has closed its socket, or no process listens at the address.</summary>
    ECONNREFUSED = 111,

    /// <summary>The file on a network file system is gone.</summary>
    ESTALE = 116,

    /// <summary>The quota of a user or group is used up.</summary>
    EDQUOT = 122,

    /// <summary>The operation is not permitted in capability mode. FreeBSD only; the value is one that Linux does not use.</summary>
    ECAPMODE = 0x10000,
}
