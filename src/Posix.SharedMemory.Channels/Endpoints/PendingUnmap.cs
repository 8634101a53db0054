using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// Tells the collector that bytes stay mapped until it finds that nothing points into them any more. It is referenced by what holds most of them, so that it is found about when they are.
/// </summary>
internal sealed class PendingUnmap(long bytes)
{
    private int _isPending;

    [SuppressMessage("Design", "MA0055", Justification = "The collector gives the holds back, and nothing else knows when it has.")]
    ~PendingUnmap()
    {
        if (_isPending != 0)
        {
            GC.RemoveMemoryPressure(bytes);
        }
    }

    /// <summary>From now on the collector alone keeps them. Further calls have no effect.</summary>
    internal void Begin()
    {
        if (Interlocked.Exchange(ref _isPending, 1) == 0)
        {
            GC.AddMemoryPressure(bytes);
        }
    }
}
