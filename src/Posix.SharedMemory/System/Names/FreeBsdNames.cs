using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Bsd;
using static Posix.SharedMemory.Interop.FreeBsd;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>FreeBSD 13 and later: names that can be renamed, and a list of them.</summary>
/// <remarks>
/// Written by FreeBSD's published headers and kernel source (sys/kern/uipc_shm.c). It has not been run on FreeBSD yet.
/// The kernel drops set-user, set-group and sticky, when an object is made and when its permissions are set. Removing or
/// renaming needs permission to read and write the object itself, also for its owner. An object without a name cannot get one here, so a
/// new object has a temporary name that only its maker knows. A crash leaves that.
/// </remarks>
internal sealed class FreeBsdNames(SystemCalls calls, FreeBsdFiles files, SystemBacking backing) : BsdNames(calls)
{
    private const string TemporaryPrefix = ".shm-publish-";
    private const string ListOperation = "sysctl(kern.ipc.posix_shm_list)";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly SystemCalls _calls = calls;

    private static ReadOnlySpan<byte> ListName => "kern.ipc.posix_shm_list\0"u8;

    internal override Errno CreateUnpublished(out SafeFileHandle? handle, out ObjectName temporary)
    {
        while (true)
        {
            var random = RandomNumberGenerator.GetHexString(16, lowercase: true);
            temporary = ObjectName.FromSystem(Encoding.ASCII.GetBytes(TemporaryPrefix + random));
            var error = Open(temporary, FileMode.CreateNew, FileAccess.ReadWrite, OwnerOnly, out handle);
            if (error != Errno.EEXIST)
            {
                return error;
            }
        }
    }

    internal override Errno Publish(in OpenObject target, in ObjectName temporary, in ObjectName name, RenameMode mode)
    {
        var flags = mode == RenameMode.NoReplace ? SHM_RENAME_NOREPLACE : 0;
        var error = RenameWithFlags(temporary, name, flags);
        if (error != Errno.EACCES)
        {
            return error;
        }

        // Renaming needs permission to read and write the object, which its maker may have denied itself.
        var permissions = (UnixFileMode)(files.Stat(target).st_mode & 0x1FF);
        if ((permissions & OwnerOnly) == OwnerOnly)
        {
            return error;
        }

        backing.SetPermissions(target, permissions | OwnerOnly);
        try
        {
            return RenameWithFlags(temporary, name, flags);
        }
        finally
        {
            backing.SetPermissions(target, permissions);
        }
    }

    internal override Errno Rename(in ObjectName from, in ObjectName to, RenameMode mode) => RenameWithFlags(from, to, mode switch
    {
        RenameMode.Exchange => SHM_RENAME_EXCHANGE,
        RenameMode.NoReplace => SHM_RENAME_NOREPLACE,
        _ => 0,
    });

    /// <remarks>
    /// Left out is what this user may not read, since an object can only be examined by opening it, and what no name of
    /// this library can mean: slashes inside, a dot or two, more than 255 bytes.
    /// </remarks>
    internal override IEnumerable<ObjectName> List()
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

    private protected override int CloseOnExecFlag => O_CLOEXEC;

    private protected override SharedMemoryStatus StatusOf(in OpenObject target) => backing.GetStatus(target);

    private protected override bool IsRegularFile(SafeFileHandle handle) => (files.Stat(new(handle, default)).st_mode & S_IFMT) == S_IFREG;

    private Errno RenameWithFlags(in ObjectName from, in ObjectName to, int flags)
    {
        Span<byte> oldPath = stackalloc byte[PathBytes];
        Span<byte> newPath = stackalloc byte[PathBytes];
        WritePath(from, oldPath);
        WritePath(to, newPath);
        return _calls.OnPaths(nameof(Libc.shm_rename), oldPath, newPath, flags, static (ref from, ref to, ref flags) => Libc.shm_rename(ref from, ref to, flags));
    }

    private unsafe byte[] ReadList()
    {
        while (true)
        {
            nuint length = 0;
            // SAFETY: a literal is pinned by its nature and ends with a NUL.
            fixed (byte* name = ListName)
            {
                Check(_calls.Fails(nameof(Libc.sysctlbyname)) ? -1 : Libc.sysctlbyname(name, null, ref length, null, 0), ListOperation);

                // Room for what other processes create before the second call.
                var records = new byte[checked((int)(length + (length / 2) + (64 << 10)))];
                length = (nuint)records.Length;
                // SAFETY: the array is pinned for the length of the call and its length goes with it.
                fixed (byte* buffer = records)
                {
                    nint result = _calls.Fails(nameof(Libc.sysctlbyname)) ? -1 : Libc.sysctlbyname(name, buffer, ref length, null, 0);
                    if (ErrorOf(result) == Errno.ENOMEM)
                    {
                        continue;
                    }

                    Check(result, ListOperation);
                }

                return records[..(int)length];
            }
        }
    }

    /// <summary>Returns the length of the record at a place; 0 where there is none.</summary>
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
