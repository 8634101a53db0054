using System.Globalization;

namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>This program as the other process, joined to the roster.</summary>
internal sealed class Partner : IDisposable
{
    internal static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.Threading.Tests");

    private Partner(Peer peer, Participant self)
    {
        Peer = peer;
        Self = self;
    }

    internal Peer Peer { get; }

    internal Participant Self { get; }

    internal static Peer Start(string command, params string[] arguments) => Peer.Run(Program, [command, .. arguments]);

    internal static Partner Join(Memory memory, bool untilKilled = false)
    {
        var peer = Start(untilKilled ? "act-until-killed" : "act", memory.Name);
        return new(peer, new(uint.Parse(peer.ReadLine(), CultureInfo.InvariantCulture)));
    }

    /// <summary>As <see cref="Join(Memory, bool)"/>, in a control group.</summary>
    internal static Partner Join(Memory memory, TemporaryControlGroup group)
    {
        var peer = group.StartLine($"'{Program}' act '{memory.Name}'");
        return new(peer, new(uint.Parse(peer.ReadLine(), CultureInfo.InvariantCulture)));
    }

    internal string Ask(string act) => Peer.Ask(act);

    internal void Tell(string act) => Peer.Tell(act);

    internal string ReadLine() => Peer.ReadLine();

    internal void Kill() => Peer.Kill();

    public void Dispose() => Peer.Dispose();
}
