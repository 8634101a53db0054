using Posix.SharedMemory.TestPeer;

// The other process of a test. It speaks in lines: a test starts it with a command, reads what it prints, tells it to go on.
var commands = new Dictionary<string, Action<string[]>>(StringComparer.Ordinal)
{
    // Opens an object by name and holds it until a line comes.
    ["hold"] = Holding.Hold,

    // Opens and unlinks under a umask, for comparison with glibc.
    ["open"] = Opening.Open,

    // Shares an object's lifetime with others.
    ["use"] = Using.Use,

    // Does one operation per line.
    ["act"] = Acting.Act,

    // Answers one question about objects per line.
    ["inspect"] = Inspecting.Inspect,

    // Run against each other, several at once.
    ["race-create"] = Racing.Create,
    ["race-open-or-create"] = Racing.OpenOrCreate,
    ["race-read"] = Racing.Read,
    ["race-grow"] = Racing.Grow,
    ["check-grown"] = Racing.CheckGrown,
    ["race-truncate"] = Racing.Truncate,
    ["race-join"] = Racing.Join,
    ["race-leave"] = Racing.Leave,
    ["race-target"] = Racing.Target,

    // Use mapped memory together with a test.
    ["map-count"] = Mappings.Count,
    ["map-consume"] = Mappings.Consume,
    ["map-store"] = Mappings.Store,
    ["map-cut"] = Mappings.Cut,
    ["map-survive"] = Mappings.Survive,
    ["map-lock"] = Mappings.Lock,
    ["map-prefault"] = Mappings.Prefault,

    // Send and receive descriptors.
    ["pass"] = Passing.Pass,

    // Walks every operation behind filters.
    ["filter-walk"] = Posix.SharedMemory.Testing.FilterWalk.Act,

    // Enters a named mutex, or takes a permit of a named semaphore whose permits come back, and holds it until a line comes.
    ["lock-mutex"] = NamedLocks.Mutex,
    ["lock-semaphore"] = NamedLocks.Semaphore,

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
