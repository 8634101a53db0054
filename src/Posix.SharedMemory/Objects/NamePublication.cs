namespace Posix.SharedMemory;

/// <summary>An unpublished object's way to its name: what it is called until then, and who is to remove the name.</summary>
internal sealed class NamePublication(ObjectDescriptor descriptor, ObjectName temporary, Lifetime lifetime, NameConflict conflict)
{
    private ObjectName _temporary = temporary;

    /// <summary>Gives the object its name, unless it has one.</summary>
    /// <exception cref="InvalidOperationException">It has.</exception>
    internal IDisposable? Publish(in ObjectName name, RenameMode mode)
    {
        if (!descriptor.Name.IsNone)
        {
            throw new InvalidOperationException($"The object is already published, as {descriptor.Name.Text}; use Rename.");
        }

        var error = TryPublish(name, mode == RenameMode.Replace ? NameConflict.Replace : conflict, out var owner);
        return error.IsSuccess ? owner : throw NamingFailure.Of(error, "Publish", name);
    }

    /// <param name="name">The name.</param>
    /// <param name="onConflict">What to do if it is taken.</param>
    /// <param name="owner">Removes the name when it is disposed, if the object's lifetime says so.</param>
    internal Errno TryPublish(in ObjectName name, NameConflict onConflict, out IDisposable? owner)
    {
        owner = null;
        var target = descriptor.Target;
        // Whatever may fail comes before all processes can see the name.
        var share = NameShare.Take(descriptor, name, lifetime);
        var isPublished = false;
        try
        {
            // SYNC membership.takeover: pairs with NameTakeover.TryTake. The share is taken before the name exists.
            var error = NameTakeover.Publish(descriptor.Platform, target, _temporary, name, onConflict);
            if (error.IsSuccess)
            {
                isPublished = true;
                descriptor.Name = name;
                _temporary = default;
                owner = share;
            }

            return error;
        }
        finally
        {
            if (!isPublished)
            {
                NameShare.GiveBack(descriptor, lifetime);
            }
        }
    }

    /// <summary>Removes the temporary name, if there is one and the object was not published.</summary>
    internal void Abandon()
    {
        if (!_temporary.IsNone)
        {
            // Best effort: no other process knows this name.
            _ = descriptor.Platform.Names.Unlink(_temporary);
        }
    }
}
