namespace Posix.SharedMemory.Bridge;

/// <summary>
/// Decides how much of a ring is dropped while the network takes nothing, so that its writer finds room. When more than half is in use, or the writer waits for room, a quarter stays. A writer
/// that waits although no more than that is in use has a long message, and then nothing stays.
/// </summary>
internal sealed class RingPressure : IDisposable
{
    /// <summary>The event count that the writer sleeps on; bit 0: it does. The page is docs/spec/channels/ring.md.</summary>
    private const int WriterWakesAt = 640, PageSize = 4096;

    private readonly MemoryMapping _page;
    private readonly long _capacity;

    internal RingPressure(SharedMemoryObject memory, long capacity)
    {
        _page = memory.Map(0, PageSize);
        _capacity = capacity;
    }

    private bool WriterWaits => (Volatile.Read(in _page.GetReference<uint>(WriterWakesAt)) & 1) != 0;

    /// <summary>How many bytes may stay in the ring. The release of a message wakes the writer; if it waits again, the next call sees that.</summary>
    /// <param name="used">How many bytes of it are in use.</param>
    internal long MayStay(long used) =>
        used > _capacity / 2 ? _capacity / 4
        : used == 0 || !WriterWaits ? used
        : used > _capacity / 4 ? _capacity / 4
        : 0;

    public void Dispose() => _page.Dispose();
}
