namespace Posix.SharedMemory.Threading;

/// <summary>A hold of this room that may have come after a death: what <see cref="Repairing"/> needs of it.</summary>
internal interface IEntry : IDisposable
{
    bool OwnerDied { get; }

    void MarkConsistent();
}
