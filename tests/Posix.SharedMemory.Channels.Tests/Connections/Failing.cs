using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels.Tests.Connections;

/// <summary>System calls that fail while a connection is opened, and while an object is sent.</summary>
public sealed class Failing
{
    [Theory]
    [InlineData("accept", 5)]
    [InlineData("receive", 5)]
    [InlineData("send", 1)]
    [Rule("connection.failing")]
    public void Whatever_call_fails_nothing_stays_open_and_what_is_open_goes_on(string way, int least)
    {
        using var peer = Partner.Start("failing-connections", way);
        var last = peer.ReadLine();
        Assert.StartsWith("walked ", last, StringComparison.Ordinal);
        var counts = last.Split(' ');
        Assert.InRange(int.Parse(counts[1], System.Globalization.CultureInfo.InvariantCulture), 3 * least, int.MaxValue);
        Assert.InRange(int.Parse(counts[3], System.Globalization.CultureInfo.InvariantCulture), 1, int.MaxValue);
    }
}
