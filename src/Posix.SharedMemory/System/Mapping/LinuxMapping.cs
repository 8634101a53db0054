using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>Linux: large mappings lie on huge boundaries, and pages past an object's end are mapped ahead.</summary>
internal class LinuxMapping(SystemCalls calls, LinuxSeals seals) : PosixMapping(calls, seals)
{
    /// <summary>Where the last large mapping began; the next one is asked for below it, if not where one was given back.</summary>
    private nint _lastLargeAddress;

    private readonly SystemCalls _calls = calls;

    private protected override bool MapsPastEnd => true;

    private protected override int AnonymousFlag => MAP_ANONYMOUS;

    private protected override int NoReserveFlag => MAP_NORESERVE;

    private protected override int SyncFlag => MS_SYNC;

    internal override SafeMappingHandle Map(in OpenObject target, MappingRequest request)
    {
        var mapping = MapsPastEnd && request.Reach >= MemoryPage.Huge ? MapLarge(target, request) : base.Map(target, request);
        if (request.HugePages)
        {
            // Advice: a kernel without huge pages refuses it, and nothing is lost. It is for what the object grows to as well.
            _ = AdviseByNumber(mapping.DangerousGetHandle(), checked((nuint)request.Reach), MADV_HUGEPAGE, "madvise(MADV_HUGEPAGE)");
        }

        return mapping;
    }

    internal override bool? TryRead(in OpenObject target, Span<byte> destination, long offset)
    {
        // Less than half of what process_vm_readv costs, which looks the process up and pins its pages.
        while (!destination.IsEmpty)
        {
            var result = _calls.OnBytes(nameof(Libc.pread), destination, (target.Handle, offset), static (ref bytes, length, ref a) =>
                Libc.pread(a.Handle, ref bytes, length, a.offset));
            if (result <= 0)
            {
                return result == 0 ? false : null;
            }

            destination = destination[(int)result..];
            offset += result;
        }

        return true;
    }

    internal override unsafe bool TryCopyFrom(nint address, Span<byte> destination)
    {
        // SAFETY: the span is pinned for the length of the call; the kernel checks the address.
        fixed (byte* local = destination)
        {
            return TransferWholly((nint)local, address, (nuint)destination.Length, write: false)
                ?? new FaultlessPipe(_calls, O_CLOEXEC).TryCopyFrom(address, destination);
        }
    }

    internal override unsafe bool TryCopyTo(nint address, ReadOnlySpan<byte> source)
    {
        // SAFETY: the span is pinned for the length of the call; the kernel checks the address.
        fixed (byte* local = source)
        {
            return TransferWholly((nint)local, address, (nuint)source.Length, write: true)
                ?? new FaultlessPipe(_calls, O_CLOEXEC).TryCopyTo(address, source);
        }
    }

    internal override Errno Populate(nint address, nuint length, bool writable) =>
        writable
            ? AdviseByNumber(address, length, MADV_POPULATE_WRITE, "madvise(MADV_POPULATE_WRITE)")
            : AdviseByNumber(address, length, MADV_POPULATE_READ, "madvise(MADV_POPULATE_READ)");

    internal override Errno Collapse(nint address, nuint length)
    {
        // Only whole huge pages can be put together.
        var from = (address + MemoryPage.Huge - 1) & ~(MemoryPage.Huge - 1);
        var to = (address + (nint)length) & ~(MemoryPage.Huge - 1);
        return to <= from ? Errno.EINVAL : CollapseWhole(from, (nuint)(to - from));
    }

    /// <summary>EAGAIN: the kernel has just been using one of the pages. The huge pages that are put together already stay so.</summary>
    private Errno CollapseWhole(nint address, nuint length)
    {
        const int Attempts = 40;
        Errno error;
        var attempt = default(SpinWait);
        do
        {
            error = AdviseByNumber(address, length, MADV_COLLAPSE, "madvise(MADV_COLLAPSE)");
            attempt.SpinOnce();
        }
        while (error == Errno.EAGAIN && attempt.Count < Attempts);
        return error;
    }

    private protected override string? WhyNotMapped(Errno error, in OpenObject target) =>
        error == Errno.ENOMEM && seals.HugePagesOf(target) is { } pageSize ? LinuxSeals.TooFewHugePages(pageSize) : null;

    private protected override int? NumberOf(MemoryAdvice advice) => advice switch
    {
        MemoryAdvice.HugePages => MADV_HUGEPAGE,
        MemoryAdvice.NoHugePages => MADV_NOHUGEPAGE,
        MemoryAdvice.Cold => MADV_COLD,
        MemoryAdvice.PageOut => MADV_PAGEOUT,
        MemoryAdvice.DontDump => MADV_DONTDUMP,
        MemoryAdvice.DoDump => MADV_DODUMP,
        MemoryAdvice.DontFork => MADV_DONTFORK,
        MemoryAdvice.DoFork => MADV_DOFORK,
        _ => base.NumberOf(advice),
    };

    /// <summary>
    /// Maps so that the object's huge pages lie on huge boundaries, without which the kernel never puts pages together. The
    /// address is only a hint: where it is taken the kernel chooses, and room is looked for. Another thread may take that too.
    /// </summary>
    private SafeMappingHandle MapLarge(in OpenObject target, in MappingRequest request)
    {
        const int Attempts = 8;
        var end = SafeMappingHandle.TakeFreed(request.Reach);
        var mapping = MapPages(target, request, HintBelow(end != 0 ? end : Volatile.Read(ref _lastLargeAddress), request));
        for (var attempt = 1; attempt < Attempts && !IsAligned(mapping.DangerousGetHandle(), request.Offset); attempt++)
        {
            mapping.Dispose();
            mapping = MapPages(target, request, FindRoom(request));
        }

        Volatile.Write(ref _lastLargeAddress, mapping.DangerousGetHandle());
        return mapping;
    }

    /// <summary>The highest address that suits the object's offset and ends below another; 0, which gives no hint, where there is no room below.</summary>
    private static nint HintBelow(nint end, in MappingRequest request) =>
        end - MemoryPage.Huge > request.Reach ? (nint)(end - request.Reach - ((end - request.Reach - request.Offset) & (MemoryPage.Huge - 1))) : 0;

    /// <summary>An address that suits the object's offset and is followed by enough free room at the moment; 0, which gives no hint, where there is none.</summary>
    private nint FindRoom(in MappingRequest request)
    {
        var enough = request.Reach + MemoryPage.Huge;
        var room = enough < 0 ? -1 : TakeAddresses((nuint)enough);
        return room == -1 || Libc.munmap(room, (nuint)enough) != 0 ? 0 : HintBelow(room + (nint)enough, request);
    }

    private static bool IsAligned(nint address, long offset) => ((address - offset) & (MemoryPage.Huge - 1)) == 0;

    /// <summary>Copies between this process and itself by <c>process_vm_readv</c>; <see langword="null"/> where a filter forbids the call.</summary>
    private bool? TransferWholly(nint local, nint remote, nuint length, bool write)
    {
        for (nuint done = 0; done < length;)
        {
            var here = new IoVector { iov_base = local + (nint)done, iov_len = length - done };
            var there = new IoVector { iov_base = remote + (nint)done, iov_len = length - done };
            nint result = write
                ? _calls.Fails(nameof(Libc.process_vm_writev)) ? -1 : Libc.process_vm_writev(Environment.ProcessId, here, 1, there, 1, 0)
                : _calls.Fails(nameof(Libc.process_vm_readv)) ? -1 : Libc.process_vm_readv(Environment.ProcessId, here, 1, there, 1, 0);
            if (result < 0)
            {
                return ErrorOf(result) == Errno.EFAULT ? false : null;
            }

            // One call moves at most 2 GiB less a page; anything else that is short ends at a page that is gone.
            const nint Most = 0x7FFFF000;
            done += (nuint)result;
            if (done < length && result != Most)
            {
                return false;
            }
        }

        return true;
    }
}
