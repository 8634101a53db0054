using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.FreeBsd;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

// An object is charged to swap as far as it is long, whoever sets the length: there is nothing between sparse and reserved.
internal sealed partial class FreeBsdPlatform
{
    internal override void SetInitialLength(in OpenObject target, long length, Backing backing) => Extend(target, length);

    internal override void Resize(in OpenObject target, long length, Backing backing, Action<long>? shrink)
    {
        // The monitor keeps apart the threads that share this open. Between processes there is no lock to take: two that
        // grow an object from inside one page at the same time may clear what the faster one has stored there.
        lock (target.Handle)
        {
            var from = GetLength(target);
            if (from < length)
            {
                if (MemoryPage.Inside(from) != 0)
                {
                    using var zeros = OpenZeros(target);
                    ClearBeyondEnd(target, from, zeros);
                }

                Extend(target, length);
            }
            else if (from > length)
            {
                shrink?.Invoke(length);
            }
        }
    }

    internal override bool TryCopyFrom(nint address, Span<byte> destination) =>
        new FaultlessPipe(this).TryCopyFrom(address, destination);

    internal override bool TryCopyTo(nint address, ReadOnlySpan<byte> source) =>
        new FaultlessPipe(this).TryCopyTo(address, source);

    private protected override int SyncFlag => MS_SYNC;

    private protected override int CloseOnExecFlag => O_CLOEXEC;

    private protected override bool IsRegularFile(SafeFileHandle handle) => (Stat(new(handle, default)).st_mode & Bsd.S_IFMT) == Bsd.S_IFREG;

    private protected override ObjectIdentity IdentityOf(SafeFileHandle handle)
    {
        var stat = Stat(new(handle, default));
        return new(stat.st_dev, stat.st_ino);
    }

    private protected override int? NumberOf(MemoryAdvice advice) => advice switch
    {
        MemoryAdvice.DontDump => MADV_NOCORE,
        MemoryAdvice.DoDump => MADV_CORE,
        _ => base.NumberOf(advice),
    };

    internal override void Reserve(in OpenObject target, ByteRange range) => Allocate(target, range);

    internal override unsafe void Discard(in OpenObject target, ByteRange range)
    {
        var rest = new FreeBsdSpacectlRange { r_offset = range.Offset, r_len = range.Length };
        nint result;
        do
        {
            try
            {
                // SAFETY: the range is a local; the kernel leaves in it what is still to do.
                result = Fails(nameof(Libc.fspacectl)) ? -1 : Libc.fspacectl(target.Handle, SPACECTL_DEALLOC, &rest, 0, &rest);
            }
            catch (EntryPointNotFoundException e)
            {
                throw new PlatformNotSupportedException("FreeBSD gives memory back from version 14 on (fspacectl). Clear the bytes.", e);
            }
        }
        while (IsInterrupted(result));
        Check(result, nameof(Libc.fspacectl), target.Name);
    }

    /// <summary>Makes an object longer, never shorter: not even where another process has made it longer still. <c>ftruncate</c> would.</summary>
    private void Extend(in OpenObject target, long length) => Allocate(target, new(0, length));

    private void Allocate(in OpenObject target, ByteRange range)
    {
        if (range.Length == 0)
        {
            return;
        }

        Errno error;
        do
        {
            error = ErrnoNumbers.Read(Fails(nameof(Libc.posix_fallocate))
                ? Marshal.GetLastPInvokeError()
                : Libc.posix_fallocate(target.Handle, range.Offset, range.Length));
        }
        while (error == Errno.EINTR);

        if (error == Errno.ENOMEM || error == Errno.ENOSPC)
        {
            throw new SharedMemoryException(
                Errno.ENOSPC, nameof(Libc.posix_fallocate), target.Name.Text,
                $"{range.Length} bytes asked; the swap that the system or RLIMIT_SWAP allows is used up");
        }

        if (!error.IsSuccess)
        {
            throw new SharedMemoryException(error, nameof(Libc.posix_fallocate), target.Name.Text);
        }
    }

    private unsafe SafeFileHandle OpenZeros(in OpenObject target)
    {
        nint result;
        do
        {
            // SAFETY: the path is a literal and ends with a NUL.
            fixed (byte* path = "/dev/zero\0"u8)
            {
                result = Fails(nameof(Libc.open)) ? -1 : Libc.open(path, O_RDONLY | O_CLOEXEC, 0);
            }
        }
        while (IsInterrupted(result));
        Check(result, "open(/dev/zero)", target.Name);
        return new(result, ownsHandle: true);
    }
}
