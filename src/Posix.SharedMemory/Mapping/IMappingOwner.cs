namespace Posix.SharedMemory;

/// <summary>The object that mappings were made from: it knows where its live mappings end, and refuses to shrink below one.</summary>
internal interface IMappingOwner
{
    /// <summary>Gets what platform verbs act on.</summary>
    /// <exception cref="ObjectDisposedException">The object is disposed.</exception>
    OpenObject Target { get; }

    /// <summary>Gets whether the object is disposed; its mappings live on.</summary>
    bool IsDisposed { get; }

    /// <summary>Gets the object's name, also when it is disposed.</summary>
    string? Name { get; }

    /// <summary>Gets the monitor under which the object's length, as its mappings show it, is read and cut.</summary>
    object Gate { get; }

    /// <summary>Returns whether the object reaches that far and no process can shorten it to less; false if it is disposed.</summary>
    bool CannotEndBefore(long end);
}
