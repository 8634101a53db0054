namespace Posix.SharedMemory;

/// <summary>Owns a name: disposing it removes the name, if it still refers to the object, in the process that created the owner.</summary>
/// <remarks>
/// It does not dispose the object, and may be disposed before or after it. A name that cannot be removed stays. A process
/// that ends without disposing leaves the name; <see cref="Lifetime.UnlinkOnLastDispose"/> and <see cref="NameConflict.ReplaceAbandoned"/> are for that.
/// </remarks>
public sealed class NameOwner : IDisposable
{
    private readonly OwnedName _name;
    private int _disposed;

    /// <summary>Takes ownership of the name of an object.</summary>
    /// <exception cref="InvalidOperationException">The object has no name.</exception>
    public NameOwner(SharedMemoryObject memory)
        : this((memory ?? throw new ArgumentNullException(nameof(memory))).NameToOwn())
    {
    }

    internal NameOwner(in OwnedName name) => _name = name;

    /// <summary>Removes the name. Further calls have no effect.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0 && _name.IsOurs)
        {
            // Gone already, or another object's now: then there is nothing of ours to remove.
            _ = _name.Remove();
        }
    }

    internal NameOwner Renamed(in ObjectName to) => new(_name.Renamed(to));
}
