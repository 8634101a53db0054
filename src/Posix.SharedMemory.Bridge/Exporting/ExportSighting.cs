namespace Posix.SharedMemory.Bridge;

/// <summary>What the exporter knows of an object that it has seen under a name which is exported, so that it opens the object again only where that may change something.</summary>
internal sealed class ExportSighting(DateTimeOffset created)
{
    /// <summary>How long the time between two openings grows, in milliseconds: of what was not a channel, and of a channel that could not be opened or whose export ended.</summary>
    internal const int MostForOthers = 10_000, MostForChannels = 1000;

    private const int First = 200;

    private long _dueAt = long.MinValue;
    private int _delay = First;

    /// <summary>Gets when the object was created: the next one may have its number.</summary>
    internal DateTimeOffset Created { get; } = created;

    /// <summary>Gets or sets when it was last seen.</summary>
    internal long SeenAt { get; set; }

    /// <summary>Gets or sets the export that reads it.</summary>
    internal ChannelExport? Export { get; set; }

    /// <summary>Whether the object should be opened.</summary>
    internal bool IsDue(long now) => now >= _dueAt && Export is null or { HasEnded: true, IsCompleted: false };

    /// <summary>It is not opened for a while, each time for longer.</summary>
    internal void Wait(long now, int most)
    {
        _delay = Math.Min(_delay, most);
        _dueAt = now + _delay;
        _delay *= 2;
    }

    /// <summary>It is not opened again.</summary>
    internal void Ignore() => _dueAt = long.MaxValue;
}
