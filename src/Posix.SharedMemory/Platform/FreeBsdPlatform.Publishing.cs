using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.FreeBsd;

namespace Posix.SharedMemory;

// An object without a name cannot get one here, so it has a temporary name that only its maker knows. A crash leaves that.
internal sealed partial class FreeBsdPlatform
{
    private const string TemporaryPrefix = ".shm-publish-";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    internal override bool HasUnpublishedObjects => true;

    internal override string PublishCall => nameof(Libc.shm_rename);

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

        // Renaming needs permission to read and write the object, which its maker may have denied himself.
        var permissions = (UnixFileMode)(Stat(target).st_mode & 0x1FF);
        if ((permissions & OwnerOnly) == OwnerOnly)
        {
            return error;
        }

        SetPermissions(target, permissions | OwnerOnly);
        try
        {
            return RenameWithFlags(temporary, name, flags);
        }
        finally
        {
            SetPermissions(target, permissions);
        }
    }
}
