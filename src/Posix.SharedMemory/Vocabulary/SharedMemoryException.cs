using System.Runtime.InteropServices;

namespace Posix.SharedMemory;

/// <summary>A failed system call, with the call, the object and the error.</summary>
/// <remarks>
/// Filter by <see cref="Errno"/>: <c>catch (SharedMemoryException e) when (e.Errno is Errno.ENOSPC or Errno.ENOMEM)</c>. The message reads
/// <c>shm_open(/frames): No such file or directory (ENOENT)</c>.
/// </remarks>
public sealed class SharedMemoryException : IOException
{
    /// <summary>Describes the failure of <paramref name="operation"/> with <paramref name="errno"/>.</summary>
    public SharedMemoryException(Errno errno, string operation, string? objectName = null, string? detail = null)
        : this(errno, operation, objectName, detail, advice: null)
    {
    }

    /// <param name="errno">The error.</param>
    /// <param name="operation">The call.</param>
    /// <param name="objectName">The object's name.</param>
    /// <param name="detail">What is known of the failure.</param>
    /// <param name="advice">
    /// What a program can do, in the words of this library. It is in the message, and not in <see cref="Detail"/>: a command with words of its own prints that.
    /// </param>
    internal SharedMemoryException(Errno errno, string operation, string? objectName, string? detail, string? advice)
        : base(Describe(errno, operation, objectName, detail, advice), errno.ToNative())
    {
        Errno = ErrnoNumbers.PublicOf(errno);
        NativeErrorCode = errno.ToNative();
        Operation = operation;
        ObjectName = objectName;
        Detail = detail;
    }

    /// <summary>Gets the error.</summary>
    public Errno Errno { get; }

    /// <summary>Gets the running system's own number for the error, as its headers define it.</summary>
    /// <example>
    /// <code><![CDATA[
    /// try
    /// {
    ///     SharedMemoryObject.Unlink(name);
    /// }
    /// catch (SharedMemoryException e) when (e.Errno == Errno.Unknown)
    /// {
    ///     Console.Error.WriteLine($"{e.Operation} failed with number {e.NativeErrorCode} of this system");
    /// }
    /// ]]></code>
    /// </example>
    public int NativeErrorCode { get; }

    /// <summary>Gets the call that failed: <c>shm_open</c>, <c>ftruncate</c>, <c>mmap</c>, <c>fcntl(F_OFD_SETLK)</c> and so on.</summary>
    public string Operation { get; }

    /// <summary>Gets the object's name as the caller wrote it; <see langword="null"/> if it has none.</summary>
    public string? ObjectName { get; }

    /// <summary>Gets additional information, such as the requested and available bytes; <see langword="null"/> if there is none.</summary>
    public string? Detail { get; }

    private static string Describe(Errno errno, string operation, string? objectName, string? detail, string? advice)
    {
        var target = objectName is null ? "" : $"(/{objectName.TrimStart('/')})";
        string?[] more = [detail, advice];
        var known = string.Join(". ", more.Where(part => part is not null));
        return $"{operation}{target}: {Marshal.GetPInvokeErrorMessage(errno.ToNative())} ({ErrnoNumbers.NameOf(errno)}){(known.Length == 0 ? "" : ": ")}{known}";
    }
}
