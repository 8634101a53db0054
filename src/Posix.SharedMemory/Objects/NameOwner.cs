namespace Posix.SharedMemory;

/// <summary>Owns an object's name: its disposal, in the process that created it, removes the name if it still refers to the object.</summary>
/// <remarks>
/// It does not dispose the object, and may be disposed before or after it. If the name cannot be removed, it stays. A process
/// that ends without disposing it leaves the name; <see cref="Lifetime.UnlinkOnLastDispose"/> covers that case.
/// </remarks>
public sealed class NameOwner : IDisposable
{
    private readonly OwnedName _name;
    private int _disposed;

    /// <summary>Takes ownership of an object's name.</summary>
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
            // Gone already, or another object's now: there is nothing of ours to remove.
            _ = _name.Remove();
        }
    }
}
