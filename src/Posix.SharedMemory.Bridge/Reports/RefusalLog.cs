namespace Posix.SharedMemory.Bridge;

/// <summary>Reports channels that are not carried, for which nothing else counts. Any program may announce names, so that they are kept up to a number. Not safe for several threads.</summary>
internal sealed class RefusalLog(BridgeReports reports, BridgeDirection direction)
{
    /// <summary>How many names are kept.</summary>
    internal const int MostNames = 1000;

    private readonly Dictionary<string, (ChannelReport Report, long At)> _names = new(StringComparer.Ordinal);

    /// <summary>Gets how many names are kept now.</summary>
    internal int Count => _names.Count;

    /// <summary>Reports that a channel is not carried. Where too many are, the one that was refused longest ago makes room.</summary>
    internal void Refuse(string channel, string reason)
    {
        if (!_names.TryGetValue(channel, out var known))
        {
            if (_names.Count >= MostNames)
            {
                _names.Remove(_names.MinBy(name => name.Value.At).Key);
            }

            known.Report = new(reports, channel, direction);
        }

        _names[channel] = (known.Report, Environment.TickCount64);
        known.Report.Refuse(reason);
    }
}
