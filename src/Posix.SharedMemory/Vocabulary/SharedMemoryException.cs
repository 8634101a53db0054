using System.Runtime.InteropServices;

namespace Posix.SharedMemory;

/// <summary>A system call failed: which call, on which object, with which error.</summary>
/// <remarks>
/// Filter by <see cref="Errno"/>: <c>catch (SharedMemoryException e) when (e.Errno == Errno.EEXIST)</c>. The message reads
/// <c>shm_open(/frames): No such file or directory (ENOENT)</c>.
/// </remarks>
public sealed class SharedMemoryException : IOException
{
    /// <summary>Describes the failure of <paramref name="operation"/> with <paramref name="errno"/>.</summary>
    public SharedMemoryException(Errno errno, string operation, string? objectName = null, string? detail = null)
        : base(Describe(errno, operation, objectName, detail), errno.Number)
    {
        Errno = errno;
        Operation = operation;
        ObjectName = objectName;
        Detail = detail;
    }

    /// <summary>Gets why the call failed.</summary>
    public Errno Errno { get; }

    /// <summary>Gets the call that failed: <c>shm_open</c>, <c>ftruncate</c>, <c>mmap</c>, <c>fcntl(F_OFD_SETLK)</c> and so on.</summary>
    public string Operation { get; }

    /// <summary>Gets the object's name as the caller wrote it; <see langword="null"/> where it has none.</summary>
    public string? ObjectName { get; }

    /// <summary>Gets what more there is to say, such as the bytes asked and available; <see langword="null"/> where the number says it all.</summary>
    public string? Detail { get; }

    private static string Describe(Errno errno, string operation, string? objectName, string? detail)
    {
        var target = objectName is null ? "" : $"(/{objectName.TrimStart('/')})";
        var more = detail is null ? "" : $": {detail}";
        return $"{operation}{target}: {Marshal.GetPInvokeErrorMessage(errno.Number)} ({errno}){more}";
    }
}
