using static Posix.SharedMemory.Interop.FreeBsd;

namespace Posix.SharedMemory;

/// <summary>FreeBSD: copies through a pipe, since there is no call that copies between two addresses.</summary>
internal sealed class FreeBsdMapping(SystemCalls calls, SystemSeals seals) : PosixMapping(calls, seals)
{
    private readonly SystemCalls _calls = calls;

    private protected override int AnonymousFlag => Interop.Bsd.MAP_ANON;

    private protected override int SyncFlag => MS_SYNC;

    internal override bool TryCopyFrom(nint address, Span<byte> destination) => new FaultlessPipe(_calls, O_CLOEXEC).TryCopyFrom(address, destination);

    internal override bool TryCopyTo(nint address, ReadOnlySpan<byte> source) => new FaultlessPipe(_calls, O_CLOEXEC).TryCopyTo(address, source);

    private protected override int? NumberOf(MemoryAdvice advice) => advice switch
    {
        MemoryAdvice.DontDump => MADV_NOCORE,
        MemoryAdvice.DoDump => MADV_CORE,
        _ => base.NumberOf(advice),
    };
}
