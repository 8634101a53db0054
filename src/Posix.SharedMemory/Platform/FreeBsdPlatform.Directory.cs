using System.Runtime.InteropServices;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

// The kernel's list of names: kern.ipc.posix_shm_list, as posixshmcontrol(1) reads it.
internal sealed partial class FreeBsdPlatform
{
    private const string ListOperation = "sysctl(kern.ipc.posix_shm_list)";

    private static ReadOnlySpan<byte> ListName => "kern.ipc.posix_shm_list\0"u8;

    /// <remarks>
    /// Left out is what this user may not read, since an object can only be looked at by opening it, and what no name of
    /// this library can mean: slashes inside, a dot or two, more than 255 bytes.
    /// </remarks>
    internal override IEnumerable<ObjectName> ListNames()
    {
        var records = ReadList();
        for (var at = 0; LengthOf(records, at) is var length and > 0; at += length)
        {
            var name = NameIn(records.AsSpan(at, length));
            if (!name.IsNone && !IsUnreadable(name))
            {
                yield return name;
            }
        }
    }

    private unsafe byte[] ReadList()
    {
        while (true)
        {
            nuint length = 0;
            // SAFETY: a literal is pinned by its nature and ends with a NUL.
            fixed (byte* name = ListName)
            {
                Check(Fails(nameof(Libc.sysctlbyname)) ? -1 : Libc.sysctlbyname(name, null, ref length, null, 0), ListOperation, default);

                // Room for what others create before the second call.
                var records = new byte[checked((int)(length + (length / 2) + (64 << 10)))];
                length = (nuint)records.Length;
                // SAFETY: the array is pinned for the length of the call and its length is what the kernel is told.
                fixed (byte* buffer = records)
                {
                    nint result = Fails(nameof(Libc.sysctlbyname)) ? -1 : Libc.sysctlbyname(name, buffer, ref length, null, 0);
                    if (ErrorOf(result) == Errno.ENOMEM)
                    {
                        continue;
                    }

                    Check(result, ListOperation, default);
                }

                return records[..(int)length];
            }
        }
    }

    /// <summary>The length of the record at a place; 0 where there is none.</summary>
    private static int LengthOf(byte[] records, int at)
    {
        if (records.Length - at <= FreeBsdKinfoFile.kf_path)
        {
            return 0;
        }

        var length = MemoryMarshal.Read<int>(records.AsSpan(at + FreeBsdKinfoFile.kf_structsize));
        return length > FreeBsdKinfoFile.kf_path && length <= records.Length - at ? length : 0;
    }

    private static ObjectName NameIn(ReadOnlySpan<byte> record)
    {
        var path = record[FreeBsdKinfoFile.kf_path..];
        var end = path.IndexOf((byte)0);
        path = end < 0 ? path : path[..end];
        if (path.IsEmpty || path[0] != (byte)'/')
        {
            return default;
        }

        var name = path[1..];
        return name.IsEmpty || name.Length > ObjectName.MaxBytes || name.Contains((byte)'/')
            || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8)
                ? default
                : ObjectName.FromSystem(name);
    }

    private bool IsUnreadable(in ObjectName name)
    {
        var error = Open(name, FileMode.Open, FileAccess.Read, UnixFileMode.None, out var handle);
        handle?.Dispose();
        return error == Errno.EACCES;
    }
}
