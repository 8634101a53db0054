using Posix.SharedMemory.Inspection;

namespace Posix.SharedMemory;

/// <summary>A system's way to report what happens to names.</summary>
internal abstract class DirectoryWatch : IDisposable
{
    /// <summary>Waits until something has happened, the time is over or the wait is cancelled, and adds what happened.</summary>
    /// <returns>Whether anything was added.</returns>
    internal abstract bool Read(TimeSpan timeout, Queue<SharedMemoryChange> changes, CancellationToken cancellationToken);

    /// <summary>Waits without a thread until <see cref="Take"/> may have something to add.</summary>
    /// <exception cref="ObjectDisposedException">The watch is disposed.</exception>
    internal abstract Task WaitAsync(CancellationToken cancellationToken);

    /// <summary>Adds what has happened, without waiting.</summary>
    internal abstract void Take(Queue<SharedMemoryChange> changes);

    public abstract void Dispose();
}
