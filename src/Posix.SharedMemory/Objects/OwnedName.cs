namespace Posix.SharedMemory;

/// <summary>A name together with the object that it is to refer to, and the process that may remove it.</summary>
internal readonly record struct OwnedName
{
    private readonly Platform _platform;
    private readonly ObjectName _name;
    private readonly ObjectIdentity _identity;
    private readonly int _processId;

    internal OwnedName(Platform platform, in ObjectName name, ObjectIdentity identity)
        : this(platform, name, identity, platform.Membership.ProcessId)
    {
    }

    private OwnedName(Platform platform, in ObjectName name, ObjectIdentity identity, int processId)
    {
        _platform = platform;
        _name = name;
        _identity = identity;
        _processId = processId;
    }

    internal ObjectName Name => _name;

    internal ObjectIdentity Identity => _identity;

    /// <summary>Gets whether this process took the name on; a forked child has a copy and did not.</summary>
    internal bool IsOurs => _platform.Membership.ProcessId == _processId;

    /// <summary>The same object under another name.</summary>
    internal OwnedName Renamed(in ObjectName to) => new(_platform, to, _identity, _processId);

    /// <summary>Removes the name if it still refers to the object; otherwise <see cref="Errno.ENOENT"/>. It does not throw.</summary>
    internal Errno Remove()
    {
        try
        {
            return _platform.Names.Find(_name)?.Identity == _identity ? _platform.Names.Unlink(_name) : Errno.ENOENT;
        }
        catch (SharedMemoryException e)
        {
            // What the name refers to cannot be found out, so it is not removed.
            return e.Errno;
        }
    }
}
