namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>What the other process does.</summary>
internal static class Acts
{
    internal static int Run(string command, string[] arguments)
    {
        using var memory = SharedMemoryObject.Open(arguments[0]);
        using var mapping = memory.Map();
        using var roster = Roster.Join(mapping);
        switch (command)
        {
            case "hold":
                var mutex = SharedMutex.At(roster, Memory.Locks);
                using (mutex.EnterUnrepaired())
                {
                    Console.WriteLine($"held {roster.Self.Value}");
                    Console.ReadLine();
                }

                Console.WriteLine("left");
                return 0;
            case "join":
                Console.WriteLine($"joined {roster.Self.Value}");
                Console.ReadLine();
                return 0;
            default:
                Console.Error.WriteLine($"unknown command '{command}'");
                return 2;
        }
    }
}
