using System.Globalization;

namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>What another process makes of a roster whose seats are all taken.</summary>
internal static class Looking
{
    internal static int Run(string[] arguments)
    {
        using var memory = SharedMemoryObject.Open(arguments[0]);
        using var mapping = memory.Map();
        Console.WriteLine(At(mapping, int.Parse(arguments[1], CultureInfo.InvariantCulture)));
        return 0;
    }

    private static string At(MemoryMapping mapping, int seats)
    {
        using var observer = Roster.Observe(mapping);
        var living = observer.GetParticipants().Count;
        try
        {
            using var roster = Roster.Join(mapping, 0, seats);
            return string.Create(CultureInfo.InvariantCulture, $"{living} alive, joined");
        }
        catch (RosterFullException)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{living} alive, full");
        }
    }
}
