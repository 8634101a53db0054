namespace Posix.SharedMemory;

/// <summary>A path together with the file that it is to refer to, and the process that may remove it.</summary>
internal readonly struct OwnedFile(Platform platform, FilePath path, ObjectIdentity identity)
{
    private readonly int _processId = platform.Membership.ProcessId;

    /// <summary>Removes the file if the path still refers to it, in the process that owns it. A file that cannot be removed stays.</summary>
    internal void Remove()
    {
        if (platform.Membership.ProcessId == _processId && platform.Names.FindFile(path, out var found).IsSuccess && found == identity)
        {
            _ = platform.Names.RemoveFile(path);
        }
    }
}
