using Posix.SharedMemory.Inspection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Bsd;
using static Posix.SharedMemory.Interop.MacOS;

namespace Posix.SharedMemory;

/// <summary>macOS: memory that is sized once, mapped, and nothing else; no descriptor call reads or writes it.</summary>
/// <remarks>
/// Written by Apple's published headers and kernel source (xnu, bsd/kern/posix_shm.c). It has not been run on macOS yet.
/// The kernel applies no umask to a new object, and neither does this class: it could only be read by setting it twice,
/// which would change the permissions of files that other threads create meanwhile; and no call could widen them again.
/// The kernel does not tell one object from another (its device and number are 0), so an owned name is removed by name.
/// </remarks>
internal sealed partial class MacOSPlatform : BsdPlatform
{
    internal override bool HasUnpublishedObjects => false;

    internal override string PublishCall => nameof(Libc.shm_open);

    internal override Errno Open(
        in ObjectName name, FileMode mode, FileAccess access, UnixFileMode permissions, out SafeFileHandle? handle)
    {
        RefuseLongName(nameof(Libc.shm_open), name);
        var error = base.Open(name, mode, access, permissions, out handle);
        return error == Errno.EINVAL && mode is FileMode.Create or FileMode.Truncate
            ? throw new SharedMemoryException(
                error, nameof(Libc.shm_open), name.Text,
                "macOS truncates (O_TRUNC) only what never had a length; unlink the object and create a new one")
            : error;
    }

    internal override Errno CreateUnpublished(out SafeFileHandle? handle, out ObjectName temporary) =>
        throw NoUnpublishedObjects();

    internal override Errno Publish(in OpenObject target, in ObjectName temporary, in ObjectName name, RenameMode mode) =>
        throw NoUnpublishedObjects();

    /// <remarks>There is no memory without a name: it gets a random one for an instant. A kill in between leaves that, empty.</remarks>
    internal override SafeFileHandle CreateAnonymous(AnonymousRequest request, out long pageSize)
    {
        if (request.HugePages != HugePageSize.None || request.Executable)
        {
            throw new PlatformNotSupportedException("macOS has neither huge pages nor executable pages in shared memory.");
        }

        pageSize = MemoryPage.Size;
        while (true)
        {
            var name = ObjectName.Parse("anonymous-" + RandomNumberGenerator.GetHexString(16, lowercase: true), nameof(Libc.shm_open));
            var error = Open(name, FileMode.CreateNew, FileAccess.ReadWrite, UnixFileMode.UserRead | UnixFileMode.UserWrite, out var handle);
            if (handle is not null)
            {
                _ = Unlink(name);
                return handle;
            }

            if (error != Errno.EEXIST)
            {
                throw new SharedMemoryException(error, nameof(Libc.shm_open));
            }
        }
    }

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
            // The name means an object, which is all there is to know of it: no identity is told to anybody. Its creator
            // may remove it even so.
            return default(SharedMemoryStatus);
        }
    }

    internal override IEnumerable<ObjectName> ListNames() => throw new PlatformNotSupportedException(
        "macOS does not tell the names of shared memory objects. Keep a list of your own; lsof(8) shows those that are open.");

    internal override SharedMemoryHolderIndex IndexHolders(ObjectIdentity? only) => throw new PlatformNotSupportedException(
        "macOS does not tell who holds a shared memory object. lsof(8) shows the descriptors of one's own processes.");

    internal override FileAccess? Examine(in OpenObject target, out long pageSize)
    {
        pageSize = MemoryPage.Size;
        // Files, pipes, sockets and devices have type bits; shared memory has none.
        return (Stat(target).st_mode & S_IFMT) == 0 ? AccessOf(target) : null;
    }

    internal override long GetLength(in OpenObject target) => Stat(target).st_size;

    internal override SharedMemoryStatus GetStatus(in OpenObject target)
    {
        var stat = Stat(target);
        return new()
        {
            Length = stat.st_size,
            Permissions = (UnixFileMode)(stat.st_mode & 0xFFF),
            UserId = stat.st_uid,
            GroupId = stat.st_gid,
            // Zero for shared memory; files have them.
            Identity = new((uint)stat.st_dev, stat.st_ino),
        };
    }

    internal override void SetPermissions(in OpenObject target, UnixFileMode permissions)
    {
        try
        {
            base.SetPermissions(target, permissions);
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.EINVAL)
        {
            throw new PlatformNotSupportedException(
                "macOS cannot change the permissions of shared memory. Give them when the object is created.", e);
        }
    }

    internal override void SetLength(in OpenObject target, long length)
    {
        try
        {
            base.SetLength(target, length);
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.EINVAL)
        {
            throw new SharedMemoryException(
                e.Errno, e.Operation, e.ObjectName,
                $"macOS sets the length of an object once in its life, and this one has {GetLength(target)} bytes; "
                + $"create a new object of {length}");
        }
    }

    internal override void SetInitialLength(in OpenObject target, long length, Backing backing)
    {
        // Setting it to 0 would use up the only chance.
        if (length > 0)
        {
            SetLength(target, length);
        }
    }

    internal override void Resize(in OpenObject target, long length, Backing backing, Action<long>? shrink)
    {
        var found = GetLength(target);
        if (found >= length)
        {
            if (found > length)
            {
                shrink?.Invoke(length);
            }

            return;
        }

        try
        {
            SetLength(target, length);
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.EINVAL && GetLength(target) >= length)
        {
            // Another process made it as long meanwhile, and its length is final.
        }
    }

    /// <remarks>The kernel makes the whole memory object when the length is set; there is no call to ask for more.</remarks>
    internal override void Reserve(in OpenObject target, ByteRange range)
    {
    }

    internal override void Discard(in OpenObject target, ByteRange range) => throw new PlatformNotSupportedException(
        "macOS cannot give back a part of shared memory. Clear the bytes, or unlink the object and create a smaller one.");

    internal override unsafe int Read(in OpenObject target, Span<byte> destination, long offset)
    {
        var length = GetLength(target);
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

    /// <remarks>sendfile(2) takes only files here: the caller copies through a buffer.</remarks>
    internal override Errno Send(in OpenObject target, SafeHandle destination, ByteRange range, out long sent)
    {
        sent = 0;
        return Errno.EINVAL;
    }

    internal override SafeMappingHandle Map(in OpenObject target, MappingRequest request) => request.Private
        ? throw new PlatformNotSupportedException(
            "macOS maps shared memory only shared (MAP_PRIVATE is EINVAL). Copy the bytes into memory of your own with Read.")
        : base.Map(target, request);

    /// <remarks>An object never gets shorter here, so mapped pages cannot vanish: a plain copy does not fault.</remarks>
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

    private protected override int SyncFlag => MS_SYNC;

    private protected override int CloseOnExecFlag => O_CLOEXEC;

    private protected override bool IsRegularFile(SafeFileHandle handle) => (Stat(new(handle, default)).st_mode & S_IFMT) == S_IFREG;

    private protected override ObjectIdentity IdentityOf(SafeFileHandle handle)
    {
        var stat = Stat(new(handle, default));
        return new((uint)stat.st_dev, stat.st_ino);
    }

    private protected override unsafe int OpenFile(byte* path, int flags, uint mode) =>
        IsArm64 ? Libc.open_apple_arm64(path, flags, 0, 0, 0, 0, 0, 0, (nint)mode) : Libc.open(path, flags, mode);

    private protected override unsafe int ShmOpen(byte* path, int flags, uint mode) =>
        IsArm64
            ? Libc.shm_open_apple_arm64(path, flags, 0, 0, 0, 0, 0, 0, (nint)mode)
            : Libc.shm_open(path, flags, mode);

    /// <summary>Whether this process runs arm64 code; under Rosetta it runs x86-64 code, by that architecture's conventions.</summary>
    private static bool IsArm64 => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

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

    private MacOSStat Stat(in OpenObject target)
    {
        MacOSStat stat = default;
        nint result = Fails("fstat") ? -1
            : IsArm64 ? Libc.fstat_apple_arm64(target.Handle, out stat)
            : Libc.fstat_apple_x64(target.Handle, out stat);
        Check(result, "fstat", target.Name);
        return stat;
    }

    private SafeMappingHandle MapAround(ByteRange range, in OpenObject target, FileAccess access, out int slack)
    {
        slack = MemoryPage.Inside(range.Offset);
        return base.Map(target, new() { Offset = range.Offset - slack, Length = range.Length + slack, PageSize = MemoryPage.Size, Access = access });
    }
}
