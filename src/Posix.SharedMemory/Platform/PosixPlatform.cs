using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

/// <summary>The verbs for which Linux, macOS and FreeBSD have the same call with the same numbers.</summary>
internal abstract partial class PosixPlatform : Platform
{
    internal override int ProcessId => Libc.getpid();

    internal override long GetPageSize(in OpenObject target) => MemoryPage.Size;

    internal override void SetPermissions(in OpenObject target, UnixFileMode permissions)
    {
        nint result;
        do
        {
            result = Fails(nameof(Libc.fchmod)) ? -1 : Libc.fchmod(target.Handle, (uint)permissions);
        }
        while (IsInterrupted(result));
        if (ErrorOf(result) is { IsSuccess: false } error)
        {
            const UnixFileMode Execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
            // Every other change is the owner's, whatever is sealed.
            var isSuspect = error == Errno.EPERM && ((permissions ^ GetStatus(target).Permissions) & Execute) != 0;
            throw Refused(error, nameof(Libc.fchmod), target, isSuspect ? MemorySeals.Exec : MemorySeals.None);
        }
    }

    internal override void SetLength(in OpenObject target, long length)
    {
        CheckFileSizeLimit(nameof(Libc.ftruncate), target, length);
        nint result;
        do
        {
            result = Fails(nameof(Libc.ftruncate)) ? -1 : Libc.ftruncate(target.Handle, length);
        }
        while (IsInterrupted(result));
        if (ErrorOf(result) is { IsSuccess: false } error)
        {
            throw Refused(error, nameof(Libc.ftruncate), target, length < GetLength(target) ? MemorySeals.Shrink : MemorySeals.Grow);
        }
    }

    internal override unsafe int Read(in OpenObject target, Span<byte> destination, long offset)
    {
        // No file has bytes behind the last offset there is; the kernel refuses a count that reaches beyond it.
        destination = destination[..(int)Math.Min(destination.Length, long.MaxValue - offset)];
        var done = 0;
        while (done < destination.Length)
        {
            var rest = destination[done..];
            nint result;
            // SAFETY: the span is pinned for the length of the call and the kernel writes at most its length.
            fixed (byte* buffer = rest)
            {
                result = Fails(nameof(Libc.pread)) ? -1 : Libc.pread(target.Handle, buffer, (nuint)rest.Length, offset + done);
            }

            if (IsInterrupted(result))
            {
                continue;
            }

            Check(result, nameof(Libc.pread), target.Name);
            if (result == 0)
            {
                break;
            }

            done += (int)result;
        }

        return done;
    }

    internal override unsafe void Write(in OpenObject target, ReadOnlySpan<byte> source, long offset)
    {
        // The kernel applies the limit inside the object, too.
        if (!IsWithinFileSizeLimit(target, offset + source.Length, out var limit))
        {
            throw BeyondFileSizeLimit(nameof(Libc.pwrite), target, offset + source.Length, limit);
        }

        while (!source.IsEmpty)
        {
            nint result;
            // SAFETY: the span is pinned for the length of the call and the kernel reads at most its length.
            fixed (byte* buffer = source)
            {
                result = Fails(nameof(Libc.pwrite)) ? -1 : Libc.pwrite(target.Handle, buffer, (nuint)source.Length, offset);
            }

            if (IsInterrupted(result))
            {
                continue;
            }

            if (ErrorOf(result) is { IsSuccess: false } error)
            {
                throw Refused(error, nameof(Libc.pwrite), target, SealRefusal.AgainstWriting);
            }

            if (result == 0)
            {
                // FreeBSD writes nothing behind the end, where Linux would make the object longer.
                throw new SharedMemoryException(
                    Errno.ENXIO, nameof(Libc.pwrite), target.Name.Text, $"another process shortened the object below offset {offset}");
            }

            source = source[(int)result..];
            offset += result;
        }
    }

    internal override unsafe Errno WriteTo(SafeHandle destination, ReadOnlySpan<byte> source, out int written)
    {
        nint result;
        do
        {
            // SAFETY: the span is pinned for the length of the call and the kernel reads at most its length.
            fixed (byte* buffer = source)
            {
                result = Fails(nameof(Libc.write)) ? -1 : Libc.write(destination, buffer, (nuint)source.Length);
            }
        }
        while (IsInterrupted(result));
        written = (int)Math.Max(result, 0);
        return ErrorOf(result);
    }

    internal override void WaitUntilWritable(SafeHandle destination)
    {
        var pinned = false;
        try
        {
            destination.DangerousAddRef(ref pinned);
            var descriptor = new PollDescriptor { fd = (int)destination.DangerousGetHandle(), events = POLLOUT };
            nint result;
            do
            {
                result = Fails(nameof(Libc.poll)) ? -1 : Libc.poll(ref descriptor, 1, timeout: -1);
            }
            while (IsInterrupted(result));
            Check(result, nameof(Libc.poll), default);
        }
        finally
        {
            if (pinned)
            {
                destination.DangerousRelease();
            }
        }
    }

    /// <summary>
    /// Whether a test wants this call to fail: the error is set as the call would have set it and the call is not made.
    /// Every call asks first, in the same expression.
    /// </summary>
    private protected virtual bool Fails(string call) => false;

    /// <summary>Whether a call was interrupted by a signal and is to be made again.</summary>
    private protected static bool IsInterrupted(nint result) => result == -1 && Marshal.GetLastPInvokeError() == (int)Errno.EINTR;

    /// <summary>The error of a call that returned −1.</summary>
    private protected static Errno ErrorOf(nint result) => result == -1 ? ErrnoNumbers.Read(Marshal.GetLastPInvokeError()) : default;

    private protected static void Check(nint result, string operation, in ObjectName name)
    {
        if (result == -1)
        {
            throw new SharedMemoryException(ErrorOf(result), operation, name.Text);
        }
    }

    /// <summary>Refuses a growth that the kernel would answer with SIGXFSZ, which ends the process.</summary>
    private protected void CheckFileSizeLimit(string operation, in OpenObject target, long length)
    {
        if (!IsWithinFileSizeLimit(target, length, out var limit) && length > GetLength(target))
        {
            throw BeyondFileSizeLimit(operation, target, length, limit);
        }
    }

    internal override void CheckFileSizeLimit(in OpenObject target, SafeHandle destination, long length)
    {
        // Nearly nobody has a limit, only files are subject to it, and no byte is beyond any.
        var limit = GetFileSizeLimit(target);
        if (limit < long.MaxValue && length > 0 && destination is SafeFileHandle file && PositionOf(file) is { } position && (ulong)position + (ulong)length > limit)
        {
            throw BeyondFileSizeLimit("sendfile", target, position + length, limit);
        }
    }

    /// <summary>Where writing to a file goes on; <see langword="null"/> for what is no file.</summary>
    private long? PositionOf(SafeFileHandle file)
    {
        if (!IsRegularFile(file))
        {
            return null;
        }

        nint flags = Fails(nameof(Libc.fcntl)) ? -1 : Libc.fcntl(file, F_GETFL, 0);
        if (flags != -1 && (flags & AppendFlag) != 0)
        {
            return GetLength(new(file, default));
        }

        var position = Fails(nameof(Libc.lseek)) ? -1 : Libc.lseek(file, 0, SEEK_CUR);
        return position == -1 ? null : position;
    }

    /// <summary>What <c>open</c> is told to write at the end always.</summary>
    private protected abstract int AppendFlag { get; }

    private protected abstract bool IsRegularFile(SafeFileHandle handle);

    private protected bool IsWithinFileSizeLimit(in OpenObject target, long end, out ulong limit)
    {
        limit = GetFileSizeLimit(target);
        return (ulong)end <= limit;
    }

    private ulong GetFileSizeLimit(in OpenObject target)
    {
        ResourceLimit current = default;
        Check(Fails(nameof(Libc.getrlimit)) ? -1 : Libc.getrlimit(RLIMIT_FSIZE, out current), nameof(Libc.getrlimit), target.Name);
        return current.rlim_cur;
    }

    private protected static SharedMemoryException BeyondFileSizeLimit(string operation, in OpenObject target, long end, ulong limit) => new(
        Errno.EFBIG, operation, target.Name.Text, $"{end} bytes asked, where RLIMIT_FSIZE lets this process have {limit}");
}
