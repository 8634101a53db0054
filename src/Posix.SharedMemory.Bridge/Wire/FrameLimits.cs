namespace Posix.SharedMemory.Bridge;

/// <summary>Numbers that both sides of a bridge keep to.</summary>
internal static class FrameLimits
{
    /// <summary>What is left for headers and the engine's own words in a message.</summary>
    internal const int HeaderRoom = 1024;

    /// <summary>The first type of a message that channels refuse.</summary>
    internal const ushort FirstReservedType = 0xFF00;

    /// <summary>What one message counts in a window beside its bytes, so that empty ones do not wait without end.</summary>
    internal const int MessageOverhead = 64;

    /// <summary>How often channels are announced and credit is given while nothing happens, in milliseconds.</summary>
    internal const int AnnounceMilliseconds = 1000;

    /// <summary>For how long announcements have to say the same before an import gives up what contradicts them, in milliseconds: longer than it takes to the next one.</summary>
    internal const int SureMilliseconds = 1500;

    /// <summary>How long a host or an importer counts that is not heard of, in milliseconds.</summary>
    internal const int SilenceMilliseconds = 5000;

    /// <summary>Which host a channel comes from, as its header says it: FNV-1a of the host's name, never 0.</summary>
    internal static ulong OriginOf(string host)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in System.Text.Encoding.UTF8.GetBytes(host))
        {
            hash = (hash ^ b) * 1099511628211UL;
        }

        return hash == 0 ? 1 : hash;
    }
}
