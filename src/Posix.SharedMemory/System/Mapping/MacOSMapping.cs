using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.MacOS;

namespace Posix.SharedMemory;

/// <summary>macOS: no descriptor call reads or writes shared memory, so it is mapped for that, too. It never gets shorter, so a plain copy does not fault.</summary>
internal sealed class MacOSMapping(SystemCalls calls, MacOSFiles files, SystemSeals seals) : PosixMapping(calls, seals)
{
    private protected override int AnonymousFlag => Bsd.MAP_ANON;

    private protected override int SyncFlag => MS_SYNC;

    internal override SafeMappingHandle Map(in OpenObject target, MappingRequest request) => request.Private
        ? throw new PlatformNotSupportedException(
            "macOS maps shared memory only shared (MAP_PRIVATE is EINVAL). Copy the bytes into memory of your own with Read.")
        : base.Map(target, request);

    internal override unsafe int Read(in OpenObject target, Span<byte> destination, long offset)
    {
        var length = files.Stat(target).st_size;
        if (destination.IsEmpty || offset >= length)
        {
            return 0;
        }

        var range = new ByteRange(offset, Math.Min(destination.Length, length - offset));
        using var mapping = MapAround(range, target, FileAccess.Read, out var slack);
        // SAFETY: the range lies inside the object and is mapped until the end of this method. An object here never gets
        // shorter, so the pages cannot vanish.
        new ReadOnlySpan<byte>((byte*)mapping.DangerousGetHandle() + slack, (int)range.Length).CopyTo(destination);
        return (int)range.Length;
    }

    internal override unsafe void Write(in OpenObject target, ReadOnlySpan<byte> source, long offset)
    {
        if (source.IsEmpty)
        {
            return;
        }

        using var mapping = MapAround(new(offset, source.Length), target, FileAccess.ReadWrite, out var slack);
        // SAFETY: the caller has checked that the bytes lie inside the object, which never gets shorter here; they are
        // mapped until the end of this method.
        source.CopyTo(new((byte*)mapping.DangerousGetHandle() + slack, source.Length));
    }

    internal override unsafe bool TryCopyFrom(nint address, Span<byte> destination)
    {
        // SAFETY: the caller holds the mapping and has checked that the bytes lie inside it.
        new ReadOnlySpan<byte>((byte*)address, destination.Length).CopyTo(destination);
        return true;
    }

    internal override unsafe bool TryCopyTo(nint address, ReadOnlySpan<byte> source)
    {
        // SAFETY: the caller holds the mapping and has checked that the bytes lie inside it.
        source.CopyTo(new((byte*)address, source.Length));
        return true;
    }

    private SafeMappingHandle MapAround(ByteRange range, in OpenObject target, FileAccess access, out int slack)
    {
        slack = MemoryPage.Inside(range.Offset);
        var length = range.Length + slack;
        return base.Map(target, new() { Offset = range.Offset - slack, Length = length, Reach = MemoryPage.RoundUp(length), PageSize = MemoryPage.Size, Access = access });
    }
}
