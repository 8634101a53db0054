namespace Posix.SharedMemory.TestPeer;

/// <summary>Commands that keep an object open or mapped.</summary>
internal static class Holding
{
    /// <summary><c>hold NAME [read]</c>: opens and maps, prints <c>held</c>, lets go when a line or the end of input comes.</summary>
    internal static void Hold(string[] arguments)
    {
        var access = arguments is [_, "read"] ? FileAccess.Read : FileAccess.ReadWrite;
        using var memory = SharedMemoryObject.Open(arguments[0], FileMode.Open, access);
        using var mapping = memory.Map();
        Console.WriteLine("held");
        Console.ReadLine();
    }
}
