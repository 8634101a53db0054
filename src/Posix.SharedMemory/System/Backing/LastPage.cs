using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Unix;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>The bytes past the end of an object, inside its last page: a mapping may have stored there, and growing would make them part of the object.</summary>
/// <param name="calls">Makes the calls.</param>
/// <param name="seals">Tells what refused one.</param>
/// <param name="mapping">Maps the page, and stores in it without faulting.</param>
internal sealed class LastPage(SystemCalls calls, SystemSeals seals, SystemMapping mapping)
{
    private static readonly byte[] s_zeros = new byte[MemoryPage.Size];

    /// <summary>Makes them zero.</summary>
    internal void ClearPast(in OpenObject target, long length)
    {
        var inside = MemoryPage.Inside(length);
        // The last page that offsets reach cannot be mapped, so that nothing can have been stored there.
        if (inside == 0 || MemoryPage.RoundUp(length) < length)
        {
            return;
        }

        // Truncating or punching past the end leaves such bytes where they are (seen on Linux 6.18), and a store through a
        // mapping would fault if another process cut the object now. So the kernel stores, and says where it could not.
        var page = new MappingRequest { Offset = length - inside, Length = MemoryPage.Size, Reach = MemoryPage.Size, PageSize = MemoryPage.Size, Access = FileAccess.ReadWrite };
        var address = calls.Fails(nameof(Libc.mmap)) ? -1 : Libc.mmap(0, (nuint)MemoryPage.Size, PROT_READ | PROT_WRITE, MAP_SHARED, target.Handle, page.Offset);
        var refusal = ErrorOf(address);
        if (seals.FindRefusal(refusal, target, SystemSeals.AgainstWriting) != MemorySeals.None)
        {
            RefuseUnlessClear(target, page, inside);
            return;
        }

        if (!refusal.IsSuccess)
        {
            throw seals.Refused(refusal, nameof(Libc.mmap), target, SystemSeals.AgainstWriting);
        }

        using var mapped = new SafeMappingHandle(address, (nuint)MemoryPage.Size);
        // Where the page is gone, so is what was stored there.
        _ = mapping.TryCopyTo(address + inside, s_zeros.AsSpan(inside));
    }

    /// <summary>What is sealed against writing cannot be cleared. Nearly always it need not be.</summary>
    private void RefuseUnlessClear(in OpenObject target, in MappingRequest page, int inside)
    {
        using var mapped = mapping.Map(target, page with { Access = FileAccess.Read, Private = true });
        var rest = new byte[MemoryPage.Size - inside];
        if (mapping.TryCopyFrom(mapped.DangerousGetHandle() + inside, rest) && rest.ContainsAnyExcept((byte)0))
        {
            throw new SharedMemoryException(
                Errno.EPERM, nameof(Libc.mmap), target.Name.Text,
                "the object is sealed against writing, and bytes that were stored past its end cannot be cleared before it grows over them");
        }
    }
}
