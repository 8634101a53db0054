namespace Posix.SharedMemory;

/// <summary>A name, the object that it should refer to, and the process that may remove it.</summary>
internal readonly record struct OwnedName
{
    private readonly Platform _platform;
    private readonly ObjectName _name;
    private readonly ObjectIdentity _identity;
    private readonly int _processId;

    internal OwnedName(Platform platform, in ObjectName name, ObjectIdentity identity)
    {
        _platform = platform;
        _name = name;
        _identity = identity;
        _processId = platform.ProcessId;
    }

    internal ObjectName Name => _name;

    internal ObjectIdentity Identity => _identity;

    /// <summary>Gets whether this process owns the name; a forked child has a copy and does not.</summary>
    internal bool IsOurs => _platform.ProcessId == _processId;

    /// <summary>Removes the name if it still refers to the object. <see cref="Errno.ENOENT"/> if not; it does not throw.</summary>
    internal Errno Remove()
    {
        try
        {
            return _platform.Find(_name)?.Identity == _identity ? _platform.Unlink(_name) : Errno.ENOENT;
        }
        catch (SharedMemoryException e)
        {
            // It is unknown what the name refers to, so it is not removed.
            return e.Errno;
        }
    }
}
