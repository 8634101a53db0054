namespace Posix.SharedMemory;

/// <summary>Whoever must know that a range is really unmapped: with its last reference, on whatever thread that is given back.</summary>
internal interface IUnmapObserver
{
    void Unmapped();
}
