using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

internal abstract partial class PosixPlatform
{
    /// <summary>Whether pages behind an object's end may be mapped, to be used once it has grown.</summary>
    private protected virtual bool MapsBehindEnd => false;

    /// <summary>What <c>mmap</c> is told to map nothing.</summary>
    private protected abstract int AnonymousFlag { get; }

    /// <summary>What <c>mmap</c> is told not to set memory aside for what is not touched; 0 where it never does.</summary>
    private protected virtual int NoReserveFlag => 0;

    /// <summary>What <c>msync</c> is told to wait until the bytes are written; 0 on FreeBSD.</summary>
    private protected abstract int SyncFlag { get; }

    internal override SafeMappingHandle Map(in OpenObject target, MappingRequest request) =>
        request.AddressSpace <= request.Length || MapsBehindEnd ? MapPages(target, request, hint: 0) : MapIntoReserve(target, request);

    internal override void MapMore(in OpenObject target, SafeMappingHandle range, MappingRequest shown, long length)
    {
        if (MapsBehindEnd)
        {
            return;
        }

        var from = MemoryPage.RoundUp(shown.Length);
        var added = MemoryPage.RoundUp(length) - from;
        if (added > 0)
        {
            MapOver((nint)(range.DangerousGetHandle() + from), target, shown with { Offset = shown.Offset + from, Length = added });
        }
    }

    internal override Errno Flush(nint address, nuint length) =>
        ErrorOf(Fails(nameof(Libc.msync)) ? -1 : Libc.msync(address, length, SyncFlag));

    internal override Errno Advise(nint address, nuint length, MemoryAdvice advice) =>
        NumberOf(advice) is { } number ? AdviseByNumber(address, length, number) : Errno.EOPNOTSUPP;

    internal override Errno Populate(nint address, nuint length, bool writable) => Errno.EOPNOTSUPP;

    internal override Errno Collapse(nint address, nuint length) => Errno.EOPNOTSUPP;

    internal override Errno Pin(nint address, nuint length, bool pinned) => ErrorOf(
        Fails(pinned ? nameof(Libc.mlock) : nameof(Libc.munlock)) ? -1
        : pinned ? Libc.mlock(address, length)
        : Libc.munlock(address, length));

    internal override Errno Protect(nint address, nuint length, FileAccess access) =>
        ErrorOf(Fails(nameof(Libc.mprotect)) ? -1 : Libc.mprotect(address, length, ProtectionOf(access)));

    /// <summary>Makes a pipe whose ends have a flag, close-on-exec, from the start.</summary>
    private protected unsafe void OpenPipe(int closeOnExecFlag, out SafeFileHandle reader, out SafeFileHandle writer)
    {
        var ends = stackalloc int[2];
        // SAFETY: the kernel fills the two integers.
        Check(Fails(nameof(Libc.pipe2)) ? -1 : Libc.pipe2(ends, closeOnExecFlag), nameof(Libc.pipe2), default);
        reader = new(ends[0], ownsHandle: true);
        writer = new(ends[1], ownsHandle: true);
    }

    /// <summary>Moves bytes from or to memory at any address; false where the kernel could not get at all of it.</summary>
    internal unsafe bool TryMove(SafeFileHandle pipe, byte* address, int length, bool write)
    {
        nint result;
        do
        {
            // SAFETY: the kernel checks the address.
            result = Fails(write ? nameof(Libc.write) : nameof(Libc.read)) ? -1
                : write ? Libc.write(pipe, address, (nuint)length)
                : Libc.read(pipe, address, (nuint)length);
        }
        while (IsInterrupted(result));
        var error = ErrorOf(result);
        return error.IsSuccess ? result == length
            : error == Errno.EFAULT ? false
            : throw new SharedMemoryException(error, write ? nameof(Libc.write) : nameof(Libc.read));
    }

    /// <summary>The number of an advice on this system; <see langword="null"/> where it has none.</summary>
    private protected virtual int? NumberOf(MemoryAdvice advice) => advice switch
    {
        MemoryAdvice.Normal => MADV_NORMAL,
        MemoryAdvice.Random => MADV_RANDOM,
        MemoryAdvice.Sequential => MADV_SEQUENTIAL,
        MemoryAdvice.WillNeed => MADV_WILLNEED,
        MemoryAdvice.DontNeed => MADV_DONTNEED,
        _ => null,
    };

    private protected SafeMappingHandle MapPages(in OpenObject target, in MappingRequest request, nint hint)
    {
        var error = TryMapPages(target, request, hint, out var mapping);
        if (mapping is null && IsReadingRefused(error, target, request))
        {
            // Nobody can write any more, so that a mapping of one's own shows the same bytes.
            error = TryMapPages(target, request with { Private = true }, hint, out mapping);
        }

        return mapping ?? throw (WhyNotMapped(error, target) is { } reason
            ? new SharedMemoryException(error, nameof(Libc.mmap), target.Name.Text, reason)
            : Refused(error, nameof(Libc.mmap), target, SealRefusal.AgainstWriting));
    }

    /// <summary>What this system knows of why an object cannot be mapped; seals apart.</summary>
    private protected virtual string? WhyNotMapped(Errno error, in OpenObject target) => null;

    private Errno TryMapPages(in OpenObject target, in MappingRequest request, nint hint, out SafeMappingHandle? mapping)
    {
        var length = checked((nuint)Math.Max(request.Length, request.AddressSpace));
        var flags = SharingOf(request) | (request.AddressSpace > request.Length ? NoReserveFlag : 0);
        var address = Fails(nameof(Libc.mmap))
            ? -1
            : Libc.mmap(hint, length, ProtectionOf(request.Access), flags, target.Handle, request.Offset);
        mapping = address == -1 ? null : new(address, length);
        return ErrorOf(address);
    }

    /// <summary>Some kernels refuse every shared mapping of what is sealed against writing, if the descriptor is open for writing (before Linux 6.7).</summary>
    private bool IsReadingRefused(Errno error, in OpenObject target, in MappingRequest request) =>
        request is { Access: FileAccess.Read, Private: false } && SealRefusal.Find(this, error, target, SealRefusal.AgainstWriting) != MemorySeals.None;

    private protected Errno AdviseByNumber(nint address, nuint length, int number)
    {
        nint result;
        do
        {
            result = Fails(nameof(Libc.madvise)) ? -1 : Libc.madvise(address, length, number);
        }
        while (IsInterrupted(result));
        return ErrorOf(result);
    }

    /// <summary>Makes the bytes behind the end, inside the last page, zero: a mapping may have stored there.</summary>
    /// <param name="zeros">Open on /dev/zero.</param>
    private protected unsafe void ClearBeyondEnd(in OpenObject target, long length, SafeFileHandle zeros)
    {
        var inside = MemoryPage.Inside(length);
        // The last page that offsets reach cannot be mapped, so that nobody has stored there.
        if (inside == 0 || MemoryPage.RoundUp(length) < length)
        {
            return;
        }

        // Truncating or punching behind the end leaves such bytes where they are (seen on Linux 6.18), and a store through a
        // mapping would fault if a neighbour cut the object now. So the kernel stores: its read from /dev/zero is EFAULT then.
        var page = new MappingRequest { Offset = length - inside, Length = MemoryPage.Size, PageSize = MemoryPage.Size, Access = FileAccess.ReadWrite };
        var refusal = TryMapPages(target, page, hint: 0, out var mapped);
        if (SealRefusal.Find(this, refusal, target, SealRefusal.AgainstWriting) != MemorySeals.None)
        {
            RefuseUnlessClear(target, page, inside);
            return;
        }

        using var mapping = mapped ?? throw new SharedMemoryException(refusal, nameof(Libc.mmap), target.Name.Text);
        nint result;
        do
        {
            // SAFETY: the page is mapped until the end of this method; the bytes lie inside it.
            result = Fails(nameof(Libc.read)) ? -1 : Libc.read(zeros, (byte*)mapping.DangerousGetHandle() + inside, (nuint)(MemoryPage.Size - inside));
        }
        while (IsInterrupted(result));
        if (ErrorOf(result) is { IsSuccess: false } error && error != Errno.EFAULT)
        {
            throw new SharedMemoryException(error, nameof(Libc.read), target.Name.Text);
        }
    }

    /// <summary>What is sealed against writing cannot be cleared. Nearly always it need not be.</summary>
    private void RefuseUnlessClear(in OpenObject target, in MappingRequest page, int inside)
    {
        using var mapping = MapPages(target, page with { Access = FileAccess.Read, Private = true }, hint: 0);
        var rest = new byte[MemoryPage.Size - inside];
        if (TryCopyFrom(mapping.DangerousGetHandle() + inside, rest) && rest.ContainsAnyExcept((byte)0))
        {
            throw new SharedMemoryException(
                Errno.EPERM, nameof(Libc.mmap), target.Name.Text,
                "the object is sealed against writing, and bytes that were stored behind its end cannot be cleared before it grows over them");
        }
    }

    /// <summary>Takes address space that nothing stands behind; -1 where there is none.</summary>
    private protected nint TakeAddresses(nuint length) =>
        Fails(nameof(Libc.mmap)) ? -1 : Libc.mmap_anonymous(0, length, PROT_NONE, AnonymousFlag | MAP_PRIVATE | NoReserveFlag, -1, 0);

    /// <summary>Takes address space, and shows the object at its start.</summary>
    private SafeMappingHandle MapIntoReserve(in OpenObject target, in MappingRequest request)
    {
        var length = checked((nuint)request.AddressSpace);
        var address = TakeAddresses(length);
        Check(address, nameof(Libc.mmap), target.Name);
        var reserve = new SafeMappingHandle(address, length);
        var shown = false;
        try
        {
            MapOver(address, target, request);
            shown = true;
            return reserve;
        }
        finally
        {
            if (!shown)
            {
                reserve.Dispose();
            }
        }
    }

    /// <summary>Maps at a fixed address, in place of what is there: only ever inside a range that is ours.</summary>
    private void MapOver(nint address, in OpenObject target, in MappingRequest request)
    {
        var flags = SharingOf(request) | MAP_FIXED;
        var result = Fails(nameof(Libc.mmap))
            ? -1
            : Libc.mmap(address, (nuint)MemoryPage.RoundUp(request.Length), ProtectionOf(request.Access), flags, target.Handle, request.Offset);
        if (ErrorOf(result) is { IsSuccess: false } error)
        {
            throw Refused(error, nameof(Libc.mmap), target, SealRefusal.AgainstWriting);
        }
    }

    private static int ProtectionOf(FileAccess access) => access == FileAccess.Read ? PROT_READ : PROT_READ | PROT_WRITE;

    private static int SharingOf(in MappingRequest request) => request.Private ? MAP_PRIVATE : MAP_SHARED;
}
