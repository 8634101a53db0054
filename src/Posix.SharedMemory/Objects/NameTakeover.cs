using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>An object that its creator left behind when it was killed, held by this process alone while it replaces or removes the name.</summary>
/// <remarks>docs/spec/objects/membership.md is the protocol.</remarks>
internal readonly ref struct NameTakeover
{
    private readonly SystemMembership? _membership;
    private readonly OpenObject _target;

    private NameTakeover(SystemMembership membership, OpenObject target)
    {
        _membership = membership;
        _target = target;
    }

    /// <summary>Gives an unpublished object its name, and does with an object that has it what <paramref name="conflict"/> says.</summary>
    internal static Errno Publish(Platform platform, in OpenObject target, in ObjectName temporary, in ObjectName name, NameConflict conflict)
    {
        while (true)
        {
            var error = platform.Names.Publish(target, temporary, name, conflict == NameConflict.Replace ? RenameMode.Replace : RenameMode.NoReplace);
            if (error != Errno.EEXIST || conflict != NameConflict.ReplaceAbandoned)
            {
                return error;
            }

            error = TryTake(platform, new NamedPlace(platform, name), out var taken);
            using (taken)
            {
                if (error.IsSuccess)
                {
                    return platform.Names.Publish(target, temporary, name, RenameMode.Replace);
                }
            }

            // The name has just become free: publish without replacing.
            if (error != Errno.ENOENT)
            {
                return Errno.EEXIST;
            }
        }
    }

    /// <summary>Gives a new file its path, and does with a file that has it what <paramref name="conflict"/> says.</summary>
    internal static Errno Place(Platform platform, in OpenObject target, FilePath? temporary, in FilePath path, NameConflict conflict)
    {
        while (true)
        {
            var error = platform.Names.PlaceFile(target, temporary, path, conflict == NameConflict.Replace ? RenameMode.Replace : RenameMode.NoReplace);
            if (error != Errno.EEXIST || conflict != NameConflict.ReplaceAbandoned)
            {
                return error;
            }

            error = TryTake(platform, new FilePlace(platform, path), out var taken);
            using (taken)
            {
                if (error.IsSuccess)
                {
                    return platform.Names.PlaceFile(target, temporary, path, RenameMode.Replace);
                }
            }

            if (error != Errno.ENOENT)
            {
                return Errno.EEXIST;
            }
        }
    }

    /// <summary>Removes the name of an abandoned object, where there is no memory for the old and the new one at the same time.</summary>
    internal static bool TryRemove(Platform platform, in ObjectName name)
    {
        var error = TryTake(platform, new NamedPlace(platform, name), out var taken);
        using (taken)
        {
            return error == Errno.ENOENT || (error.IsSuccess && platform.Names.Unlink(name).IsSuccess);
        }
    }

    /// <summary>Releases the object. Its name refers to another object now, or to none.</summary>
    public void Dispose()
    {
        if (_membership is not null)
        {
            Release(_membership, _target);
        }
    }

    /// <summary>Closes what was opened to take it. The locks go at once, also where the descriptor is kept.</summary>
    private static void Release(SystemMembership membership, in OpenObject target)
    {
        membership.Drop(target);
        membership.Disown(target);
        membership.CloseUnseen(target.Handle);
    }

    /// <returns>Success; <see cref="Errno.ENOENT"/>: the name is free; anything else: the object is not abandoned, or cannot be taken.</returns>
    private static Errno TryTake<TPlace>(Platform platform, in TPlace place, out NameTakeover taken)
        where TPlace : struct, IPlace
    {
        taken = default;
        var patience = new Patience();
        while (true)
        {
            // A lock for this process alone needs a descriptor that is open for writing.
            var error = place.Open(out var handle);
            if (handle is null)
            {
                return error;
            }

            var isTaken = false;
            var target = new OpenObject(handle, place.Label);
            try
            {
                // SYNC membership.takeover: pairs with NamePublication.TryPublish. An owner takes its share before the name exists, so an object
                // without one has no owner. The look at the name comes after the locks: another process that replaces the object has them until the
                // name refers to the new one.
                error = platform.Membership.Seize(target);
                if (error.IsSuccess && place.Find() == platform.Backing.GetStatus(target).Identity)
                {
                    isTaken = true;
                    taken = new(platform.Membership, target);
                    return default;
                }
            }
            finally
            {
                if (!isTaken)
                {
                    Release(platform.Membership, target);
                }
            }

            if (error == Errno.EEXIST || !patience.IsLeft)
            {
                return Errno.EEXIST;
            }

            patience.Pause();
        }
    }

    /// <summary>A name, or a path, that may refer to an abandoned object.</summary>
    private interface IPlace
    {
        ObjectName Label { get; }

        Errno Open(out SafeFileHandle? handle);

        ObjectIdentity? Find();
    }

    private readonly struct NamedPlace(Platform platform, ObjectName name) : IPlace
    {
        public ObjectName Label => name;

        public Errno Open(out SafeFileHandle? handle) => platform.Names.OpenUnseen(name, FileAccess.ReadWrite, out handle);

        public ObjectIdentity? Find() => platform.Names.Find(name)?.Identity;
    }

    private readonly struct FilePlace(Platform platform, FilePath path) : IPlace
    {
        public ObjectName Label => path.Label;

        public Errno Open(out SafeFileHandle? handle) => platform.Names.OpenFile(path, out handle);

        public ObjectIdentity? Find() => platform.Names.FindFile(path, out var identity).IsSuccess ? identity : null;
    }
}
