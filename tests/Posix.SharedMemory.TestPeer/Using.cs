namespace Posix.SharedMemory.TestPeer;

/// <summary>Commands of processes that share an object's lifetime.</summary>
internal static class Using
{
    /// <summary>
    /// <c>use NAME create|open|read|join LIFETIME</c>: creates, opens, opens read-only or opens-or-creates; prints <c>using</c>
    /// and whether it created; disposes at the first line and prints <c>left</c>; ends at the second.
    /// </summary>
    internal static void Use(string[] arguments)
    {
        var options = new SharedMemoryOptions { Lifetime = Enum.Parse<Lifetime>(arguments[2]) };
        var created = arguments[1] == "create";
        var memory = arguments[1] switch
        {
            "create" => SharedMemoryObject.Create(arguments[0], 4096, options),
            "open" => SharedMemoryObject.Open(arguments[0]),
            "read" => SharedMemoryObject.Open(arguments[0], FileMode.Open, FileAccess.Read),
            _ => SharedMemoryObject.OpenOrCreate(arguments[0], 4096, out created, options),
        };
        Console.WriteLine(created ? "using created" : "using opened");
        Console.ReadLine();
        memory.Dispose();
        Console.WriteLine("left");
        Console.ReadLine();
    }
}
