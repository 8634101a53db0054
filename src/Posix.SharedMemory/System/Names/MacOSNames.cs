using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Bsd;
using static Posix.SharedMemory.Interop.MacOS;

namespace Posix.SharedMemory;

/// <summary>macOS: names that can be opened and removed, and nothing else.</summary>
/// <remarks>
/// Written by Apple's published headers and kernel source (xnu, bsd/kern/posix_shm.c). It has not been run on macOS yet.
/// The kernel applies no umask to a new object, and neither does this class: it could only be read by setting it twice,
/// which would change the permissions of files that other threads create meanwhile; and no call could widen them again.
/// The kernel does not distinguish objects (its device and number are 0), so an owned name is removed by name.
/// </remarks>
internal sealed class MacOSNames(SystemCalls calls, MacOSFiles files) : BsdNames(calls)
{
    internal override bool HasUnpublishedObjects => false;

    internal override Errno Open(in ObjectName name, FileMode mode, FileAccess access, UnixFileMode permissions, out SafeFileHandle? handle)
    {
        RefuseLongName(nameof(Libc.shm_open), name);
        var error = base.Open(name, mode, access, permissions, out handle);
        return error == Errno.EINVAL && mode is FileMode.Create or FileMode.Truncate
            ? throw new SharedMemoryException(
                error, nameof(Libc.shm_open), name.Text,
                "macOS truncates (O_TRUNC) only what never had a length; unlink the object and create a new one")
            : error;
    }

    internal override Errno CreateUnpublished(out SafeFileHandle? handle, out ObjectName temporary) => throw NoUnpublishedObjects();

    internal override Errno Publish(in OpenObject target, in ObjectName temporary, in ObjectName name, RenameMode mode) => throw NoUnpublishedObjects();

    internal override Errno Unlink(in ObjectName name)
    {
        // The kernel's answer to a long name would be EINVAL.
        RefuseLongName(nameof(Libc.shm_unlink), name);
        return base.Unlink(name);
    }

    internal override Errno Rename(in ObjectName from, in ObjectName to, RenameMode mode) => throw new PlatformNotSupportedException(
        "macOS cannot rename shared memory. Create an object under the other name and copy, "
        + "or keep the current name in a small object of its own.");

    internal override SharedMemoryStatus? Find(in ObjectName name)
    {
        if (IsTooLong(name))
        {
            return null;
        }

        try
        {
            return base.Find(name);
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.EACCES)
        {
            // The name stands for an object, which is all there is to know of it: no identity is reported to anybody. Its creator
            // may remove it even so.
            return default(SharedMemoryStatus);
        }
    }

    internal override IEnumerable<ObjectName> List() => throw new PlatformNotSupportedException(
        "macOS does not list the names of shared memory objects. Keep a list of your own; lsof(8) shows those that are open.");

    internal override Errno SetPermissions(in ObjectName name, ObjectIdentity identity, UnixFileMode permissions)
    {
        var error = base.SetPermissions(name, identity, permissions);
        return error == Errno.EINVAL ? throw MacOSBacking.FixedPermissions() : error;
    }

    private protected override int CloseOnExecFlag => O_CLOEXEC;

    private protected override SharedMemoryStatus StatusOf(in OpenObject target) => files.StatusOf(target);

    private protected override bool IsRegularFile(SafeFileHandle handle) => (files.Stat(new(handle, default)).st_mode & S_IFMT) == S_IFREG;

    private protected override int OpenFile(ref byte path, int flags, uint mode) => MacOSFiles.IsArm64
        ? Libc.open_apple_arm64(ref path, flags, 0, 0, 0, 0, 0, 0, (nint)mode)
        : base.OpenFile(ref path, flags, mode);

    private protected override int ShmOpen(ref byte path, int flags, uint mode) => MacOSFiles.IsArm64
        ? Libc.shm_open_apple_arm64(ref path, flags, 0, 0, 0, 0, 0, 0, (nint)mode)
        : base.ShmOpen(ref path, flags, mode);

    private static bool IsTooLong(in ObjectName name) => 1 + name.ByteCount > PSHMNAMLEN;

    private static void RefuseLongName(string operation, in ObjectName name)
    {
        if (IsTooLong(name))
        {
            throw new SharedMemoryException(
                Errno.ENAMETOOLONG, operation, name.Text, $"{name.ByteCount} bytes, where macOS allows {PSHMNAMLEN - 1}");
        }
    }

    private static PlatformNotSupportedException NoUnpublishedObjects() => new(
        "macOS has no shared memory without a name and cannot rename it. Create it under its name, "
        + "and tell openers by a word inside it that it is complete.");
}
