using System.Runtime.InteropServices;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.FreeBsd;

namespace Posix.SharedMemory;

/// <summary>FreeBSD: what the kernel reports of a descriptor, for more than one role.</summary>
internal sealed class FreeBsdFiles(SystemCalls calls)
{
    internal FreeBsdStat Stat(in OpenObject target)
    {
        FreeBsdStat stat = default;
        SystemCalls.Check(calls.Fails("fstat") ? -1 : Libc.fstat_freebsd(target.Handle, out stat), "fstat", target.Name);
        return stat;
    }

    /// <summary>Reports what a descriptor stands for: its kind and its name. Not possible in capability mode.</summary>
    internal unsafe Errno Describe(in OpenObject target, Span<byte> record)
    {
        record.Clear();
        MemoryMarshal.Write(record[FreeBsdKinfoFile.kf_structsize..], FreeBsdKinfoFile.Size);
        // SAFETY: the record is pinned for the length of the call and has the size that it names.
        fixed (byte* pointer = record)
        {
            return SystemCalls.ErrorOf(calls.Fails("fcntl(F_KINFO)") ? -1 : Libc.fcntl_kinfo(target.Handle, F_KINFO, pointer));
        }
    }
}
