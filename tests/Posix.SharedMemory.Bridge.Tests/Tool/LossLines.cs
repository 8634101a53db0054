using System.Collections.Concurrent;
using System.Globalization;

namespace Posix.SharedMemory.Bridge.Tests.Tool;

/// <summary>Collects the losses that bridges print: <c>lost x 3..5 at Wire</c>.</summary>
internal sealed class LossLines
{
    internal ConcurrentQueue<(string Channel, long First, long Last, string Place)> All { get; } = [];

    private readonly ConcurrentDictionary<Peer, bool> _begun = [];

    /// <summary>Whether a bridge has said that it carries channels.</summary>
    internal bool HasBegun(Peer bridge) => _begun.ContainsKey(bridge);

    /// <summary>Listens to a bridge until it ends.</summary>
    internal Peer Listen(Peer bridge)
    {
        _ = Task.Run(() =>
        {
            try
            {
                while (true)
                {
                    var line = bridge.ReadLine();
                    if (line.Split(' ') is ["lost", var channel, var range, "at", var place] && range.Split("..") is [var first, var last])
                    {
                        All.Enqueue((channel, long.Parse(first, CultureInfo.InvariantCulture), long.Parse(last, CultureInfo.InvariantCulture), place));
                    }
                    else if (line.StartsWith("bridging", StringComparison.Ordinal))
                    {
                        _begun[bridge] = true;
                    }
                }
            }
            catch (Exception e) when (e is InvalidOperationException or IOException or ObjectDisposedException or TimeoutException)
            {
                // It has ended, or was killed.
            }
        });
        return bridge;
    }

    /// <summary>Which numbers are missing, and were not reported.</summary>
    internal HashSet<long> Unreported(string channel, IEnumerable<long> missing)
    {
        var left = missing.ToHashSet();
        foreach (var loss in All.Where(loss => loss.Channel == channel))
        {
            for (var number = loss.First; number <= loss.Last; number++)
            {
                left.Remove(number);
            }
        }

        return left;
    }
}
