using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>Opens and closes the rings of one import, within the budget of all.</summary>
internal sealed class RingSupply(ChannelReport report, BridgeOptions options, ImportBudget budget)
{
    /// <summary>Opens the ring of an announced channel. Where that cannot be, the reason is reported.</summary>
    internal ImportedRing? TryOpen(Announcement announced)
    {
        if (!budget.TryTake(announced.Bytes))
        {
            report.Refuse($"With its {announced.Bytes} bytes, the imported channels would have more than ImportLimitBytes allows.");
            return null;
        }

        ImportedRing? ring = null;
        try
        {
            ring = ImportedRing.Open(options.NamePrefix + report.Channel, announced, FrameLimits.OriginOf(announced.Host), options);
        }
        catch (Exception e) when (e is SharedMemoryException or ChannelException or InvalidOperationException or InvalidDataException or ArgumentException or Threading.RosterFullException)
        {
            report.Refuse($"The ring could not be opened: {e.Message}");
        }
        finally
        {
            if (ring is null)
            {
                budget.Give(announced.Bytes);
            }
        }

        return ring;
    }

    /// <summary>Whether a reader that comes later would find something in a completed ring, and no other import wants for its bytes.</summary>
    internal bool IsWanted(ImportedRing? completed)
    {
        try
        {
            return completed is { HasUnread: true, HasLostName: false } && !budget.IsShort;
        }
        catch (Exception e) when (e is SharedMemoryException or ChannelException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Closes a ring, if there is one.</summary>
    internal void Discard(ImportedRing? ring)
    {
        if (ring is not null)
        {
            ring.Dispose();
            budget.Give(ring.Bytes);
        }
    }
}
