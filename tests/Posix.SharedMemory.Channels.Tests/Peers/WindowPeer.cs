using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Peers;

/// <summary>A process that is killed between two steps of an end: the program <c>Posix.SharedMemory.Channels.Windows</c>, whose library kills itself at a chosen one.</summary>
internal static class WindowPeer
{
    /// <summary>Gets the program's path.</summary>
    internal static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.Channels.Windows");

    /// <summary>Gets how often everything is done: SHM_KILLS=n does it n times, at other messages.</summary>
    internal static int Rounds => Environment.GetEnvironmentVariable("SHM_KILLS") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : 1;

    /// <summary>Starts it.</summary>
    /// <param name="role">What it does, as its program says.</param>
    /// <param name="name">The channel's name.</param>
    /// <param name="from">The first number.</param>
    /// <param name="count">How many.</param>
    /// <param name="how">The way.</param>
    /// <param name="window">Where it is killed; 0: nowhere.</param>
    /// <param name="times">At which time that it comes there.</param>
    internal static Peer Start(string role, string name, long from, long count, string how, int window = 0, int times = 1) => Peer.Run(Program, Arguments(role, name, from, count, how, window, times));

    internal static string[] Arguments(string role, string name, long from, long count, string how, int window = 0, int times = 1) =>
        [role, name, .. ((long[])[from, count]).Select(Text), how, .. ((long[])[window, times]).Select(Text)];

    /// <summary>Waits for its end, and notes the window if it was killed there. It must not have ended in another way.</summary>
    internal static void Note(SortedSet<int> killed, int window, Peer peer)
    {
        var (code, output, errors) = peer.Finish();
        Assert.True(code is 0 or 137, output + errors);
        if (code == 137)
        {
            killed.Add(window);
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
