namespace Posix.SharedMemory;

/// <summary>Owns a name: disposing it removes the name, if it still means the object, in the process that made this.</summary>
/// <remarks>
/// It does not dispose the object, and may be disposed before or after it. A name that cannot be removed is left. A process
/// that ends without disposing leaves the name; <see cref="Lifetime.UnlinkOnLastDispose"/> is for that.
/// </remarks>
public sealed class NameOwner : IDisposable
{
    private readonly OwnedName _name;
    private int _disposed;

    /// <summary>Takes on the name of an object.</summary>
    /// <exception cref="InvalidOperationException">The object has no name.</exception>
    public NameOwner(SharedMemoryObject memory)
        : this((memory ?? throw new ArgumentNullException(nameof(memory))).NameToOwn())
    {
    }

    internal NameOwner(in OwnedName name) => _name = name;

    /// <summary>Removes the name. Doing it twice is doing it once.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0 && _name.IsOurs)
        {
            // Gone already, or another object's now: there is nothing of ours to remove.
            _ = _name.Remove();
        }
    }
}
