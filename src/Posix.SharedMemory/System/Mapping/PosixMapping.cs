using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Unix;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>The verbs for which Linux, macOS and FreeBSD have the same call with the same numbers.</summary>
internal abstract class PosixMapping(SystemCalls calls, SystemSeals seals) : SystemMapping
{
    /// <summary>Gets whether pages past an object's end may be mapped, to be used once it has grown.</summary>
    private protected virtual bool MapsPastEnd => false;

    /// <summary>Gets what <c>mmap</c> takes to map nothing.</summary>
    private protected abstract int AnonymousFlag { get; }

    /// <summary>Gets what <c>mmap</c> takes not to set memory aside for what is not touched; 0 where it never does.</summary>
    private protected virtual int NoReserveFlag => 0;

    /// <summary>Gets what <c>msync</c> takes to wait until the bytes are written; 0 on FreeBSD.</summary>
    private protected abstract int SyncFlag { get; }

    internal override SafeMappingHandle Map(in OpenObject target, MappingRequest request) =>
        !MapsPastEnd && ReachesFurther(request) ? MapIntoReserve(target, request) : MapPages(target, request, hint: 0);

    internal override void MapMore(in OpenObject target, SafeMappingHandle range, MappingRequest shown, long length)
    {
        if (MapsPastEnd)
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

    internal override int Read(in OpenObject target, Span<byte> destination, long offset)
    {
        // No file has bytes past the last offset there is; the kernel refuses a count that reaches beyond it.
        destination = destination[..(int)Math.Min(destination.Length, long.MaxValue - offset)];
        var done = 0;
        while (done < destination.Length)
        {
            var result = calls.OnBytes(nameof(Libc.pread), destination[done..], (target.Handle, Offset: offset + done), static (ref bytes, length, ref a) =>
                Libc.pread(a.Handle, ref bytes, length, a.Offset));
            Check(result, nameof(Libc.pread), target.Name);
            if (result == 0)
            {
                break;
            }

            done += (int)result;
        }

        return done;
    }

    internal override void Write(in OpenObject target, ReadOnlySpan<byte> source, long offset)
    {
        FileSizeLimit.Guard();
        while (!source.IsEmpty)
        {
            var result = calls.OnBytes(nameof(Libc.pwrite), source, (target.Handle, offset), static (ref bytes, length, ref a) =>
                Libc.pwrite(a.Handle, ref bytes, length, a.offset));
            var error = ErrorOf(result);
            if (error == Errno.EFBIG)
            {
                throw FileSizeLimit.Exceeded(nameof(Libc.pwrite), target, offset + source.Length);
            }

            if (!error.IsSuccess)
            {
                throw seals.Refused(error, nameof(Libc.pwrite), target, SystemSeals.AgainstWriting);
            }

            if (result == 0)
            {
                // FreeBSD writes nothing past the end, where Linux would make the object longer.
                throw new SharedMemoryException(
                    Errno.ENXIO, nameof(Libc.pwrite), target.Name.Text, $"another process shortened the object below offset {offset}");
            }

            source = source[(int)result..];
            offset += result;
        }
    }

    internal override Errno Flush(nint address, nuint length) =>
        ErrorOf(calls.Fails(nameof(Libc.msync)) ? -1 : Libc.msync(address, length, SyncFlag));

    internal override Errno Advise(nint address, nuint length, MemoryAdvice advice) =>
        NumberOf(advice) is { } number ? AdviseByNumber(address, length, number, nameof(Libc.madvise)) : Errno.EOPNOTSUPP;

    internal override Errno Pin(nint address, nuint length, bool pinned) => ErrorOf(
        calls.Fails(pinned ? nameof(Libc.mlock) : nameof(Libc.munlock)) ? -1
        : pinned ? Libc.mlock(address, length)
        : Libc.munlock(address, length));

    internal override Errno Protect(nint address, nuint length, FileAccess access) =>
        ErrorOf(calls.Fails(nameof(Libc.mprotect)) ? -1 : Libc.mprotect(address, length, ProtectionOf(access)));

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
        return mapping ?? MapRefused(error, target, request, hint);
    }

    private Errno TryMapPages(in OpenObject target, in MappingRequest request, nint hint, out SafeMappingHandle? mapping)
    {
        var length = checked((nuint)request.Reach);
        var flags = SharingOf(request) | (ReachesFurther(request) ? NoReserveFlag : 0);
        var address = calls.Fails(nameof(Libc.mmap)) ? -1 : Libc.mmap(hint, length, ProtectionOf(request.Access), flags, target.Handle, request.Offset);
        mapping = address == -1 ? null : new(address, length);
        return ErrorOf(address);
    }

    /// <summary>Maps what the kernel refused to map shared, or says why not.</summary>
    private SafeMappingHandle MapRefused(Errno error, in OpenObject target, in MappingRequest request, nint hint)
    {
        SafeMappingHandle? mapping = null;
        if (request is { Access: FileAccess.Read, Private: false } && seals.FindRefusal(error, target, SystemSeals.AgainstWriting) != MemorySeals.None)
        {
            // Some kernels refuse every shared mapping of what is sealed against writing, if the descriptor is open for writing (before Linux 6.7).
            // Nobody can write any more, so that a mapping of one's own shows the same bytes.
            error = TryMapPages(target, request with { Private = true }, hint, out mapping);
        }

        return mapping ?? throw (WhyNotMapped(error, target) is { } reason
            ? FailureOf(error, nameof(Libc.mmap), target.Name.Text, reason)
            : seals.Refused(error, nameof(Libc.mmap), target, SystemSeals.AgainstWriting));
    }

    /// <summary>What this system knows of why an object cannot be mapped; seals apart.</summary>
    private protected virtual string? WhyNotMapped(Errno error, in OpenObject target) => null;

    private protected Errno AdviseByNumber(nint address, nuint length, int number, string call) =>
        ErrorOf(calls.Repeat(call, (address, length, number), static (ref a) => Libc.madvise(a.address, a.length, a.number)));

    /// <summary>Takes address space without memory; -1 where there is none.</summary>
    private protected nint TakeAddresses(nuint length) =>
        calls.Fails(nameof(Libc.mmap)) ? -1 : Libc.mmap_anonymous(0, length, PROT_NONE, AnonymousFlag | MAP_PRIVATE | NoReserveFlag, -1, 0);

    /// <summary>Takes address space, and shows the object at its start.</summary>
    private SafeMappingHandle MapIntoReserve(in OpenObject target, in MappingRequest request)
    {
        var length = checked((nuint)request.Reach);
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
        var result = calls.Fails(nameof(Libc.mmap))
            ? -1
            : Libc.mmap(address, (nuint)MemoryPage.RoundUp(request.Length), ProtectionOf(request.Access), flags, target.Handle, request.Offset);
        if (ErrorOf(result) is { IsSuccess: false } error)
        {
            throw seals.Refused(error, nameof(Libc.mmap), target, SystemSeals.AgainstWriting);
        }
    }

    /// <summary>Returns whether more pages are taken than are to be mapped now.</summary>
    private static bool ReachesFurther(in MappingRequest request) => request.Reach - request.Length >= request.PageSize;

    private static int ProtectionOf(FileAccess access) => access == FileAccess.Read ? PROT_READ : PROT_READ | PROT_WRITE;

    private static int SharingOf(in MappingRequest request) => request.Private ? MAP_PRIVATE : MAP_SHARED;
}
