using Posix.SharedMemory.TestPeer;

// The other process of a test. It speaks in lines: a test starts it with a command, reads what it prints, tells it to go on.
var commands = new Dictionary<string, Action<string[]>>(StringComparer.Ordinal)
{
    // Opens an object by name and holds it until a line comes.
    ["hold"] = Holding.Hold,

    // Use mapped memory together with a test.
    ["map-count"] = Mappings.Count,
    ["map-consume"] = Mappings.Consume,
    ["map-store"] = Mappings.Store,
    ["map-cut"] = Mappings.Cut,
    ["map-survive"] = Mappings.Survive,
    ["map-lock"] = Mappings.Lock,
    ["map-prefault"] = Mappings.Prefault,

    // Share file-backed regions.
    ["region-act"] = Regions.Act,
    ["region-grow"] = Regions.Grow,
};

if (args.Length == 0 || !commands.TryGetValue(args[0], out var command))
{
    Console.Error.WriteLine($"commands: {string.Join(' ', commands.Keys)}");
    return 2;
}

command(args[1..]);
return 0;
