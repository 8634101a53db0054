namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>Starts this program as the other process.</summary>
internal static class Partner
{
    private static readonly string s_program = Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.Threading.Tests");

    internal static Peer Start(string command, params string[] arguments) => Peer.Run(s_program, [command, .. arguments]);
}
