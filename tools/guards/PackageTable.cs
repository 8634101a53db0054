namespace Guards;

/// <summary>What is promised of one project under src/. A package that comes gets a table here; a folder that comes gets a line in its table.</summary>
/// <param name="Name">The project's name.</param>
internal sealed record PackageTable(string Name)
{
    /// <summary>Gets the tables, what a package uses before it.</summary>
    internal static IReadOnlyList<PackageTable> All { get; } =
    [
        new("Posix.SharedMemory")
        {
            PublicNamespaces = ["Posix.SharedMemory", "Posix.SharedMemory.Inspection"],
            Leaf = "Vocabulary",
            Rooms = new(StringComparer.Ordinal)
            {
                ["Vocabulary"] = [],
                ["Interop"] = [],
                ["System"] = ["Interop"],
                ["Mapping"] = ["System"],
                ["Objects"] = ["Mapping", "System"],
                ["Regions"] = ["Objects", "Mapping", "System"],
                ["Passing"] = ["Objects", "Mapping", "System"],
                ["Inspection"] = ["Objects", "Mapping", "System"],
            },
            Way = new(
                [
                    "SharedMemoryObject.Open(String,FileMode,FileAccess,UnixFileMode)", "SharedMemoryObject.SetLength", "SharedMemoryObject.Map",
                    "MemoryMapping.GetSpan", "SharedMemoryObject.Unlink(String)",
                ],
                "Linux", MostFiles: 27, MostLines: 513, MostReturns: 16)
            {
                // What the five calls with their default arguments do not meet on an object of few pages, a method per case: ARCHITECTURE.md lists them.
                Aside =
                [
                    "NameMembership.Follow", "LinuxFiles.OpenBesideOther", "LinuxFiles.CloseUnseen", "LinuxFiles.StatPlainly",
                    "LinuxBacking.RefuseWhatCannotFit", "LinuxBacking.AllocateUndisturbed", "LinuxBacking.GrowFromInsidePage", "LinuxBacking.SetEnd", "LinuxMembership.AwaitTurn",
                    "FileSizeLimit.Register", "ObjectMappings.Shrink", "ObjectMappings.Populate", "ObjectMappings.DefaultAccess", "MappedExtents.Sweep", "LinuxMapping.MapLarge",
                    "PosixMapping.MapRefused", "PosixMapping.MapIntoReserve", "PosixMapping.AdviseByNumber",
                ],
            },
        },
        new("Posix.SharedMemory.Threading")
        {
            PublicNamespaces = ["Posix.SharedMemory.Threading"],
            Uses = ["Posix.SharedMemory"],
            Rooms = new(StringComparer.Ordinal)
            {
                ["Interop"] = [],
                ["Waiting"] = ["Interop"],
                ["Roster"] = ["Waiting", "Interop"],
                ["Locks"] = ["Roster", "Waiting"],
                ["Signals"] = ["Locks", "Roster", "Waiting", "Interop"],
                ["Named"] = ["Signals", "Locks", "Roster", "Waiting"],
                ["Posix"] = ["Signals", "Locks", "Roster", "Waiting", "Interop"],
                ["Inspection"] = ["Posix", "Named", "Signals", "Locks", "Roster", "Waiting", "Interop"],
            },
            // A wait consists of attempts, which only the lock that is waited for can make, and of sleeps between them, which are the same for all: ARCHITECTURE.md.
            CallsUpward = ["ISharedWaitable", "IWaitTarget"],
        },
        new("Posix.SharedMemory.Channels")
        {
            PublicNamespaces = ["Posix.SharedMemory.Channels"],
            Uses = ["Posix.SharedMemory", "Posix.SharedMemory.Threading"],
            Rooms = new(StringComparer.Ordinal)
            {
                ["Layout"] = [],
                ["Endpoints"] = ["Layout"],
                ["Status"] = ["Endpoints", "Layout"],
                ["Ends"] = ["Endpoints", "Layout"],
                ["Rings"] = ["Ends", "Status", "Endpoints", "Layout"],
                ["Calls"] = ["Rings", "Ends", "Endpoints", "Layout"],
                ["Connections"] = ["Calls", "Rings", "Ends", "Status", "Endpoints", "Layout"],
                ["Broadcast"] = ["Rings", "Ends", "Status", "Endpoints", "Layout"],
                ["Frames"] = ["Ends", "Status", "Endpoints", "Layout"],
                ["Taps"] = ["Frames", "Endpoints", "Layout"],
                ["Latest"] = ["Ends", "Status", "Endpoints", "Layout"],
                ["FanIn"] = ["Rings", "Ends", "Status", "Endpoints", "Layout"],
            },
        },
        new("Posix.SharedMemory.AspNetCore")
        {
            PublicNamespaces = ["Posix.SharedMemory.AspNetCore"],
            Uses = ["Posix.SharedMemory.Channels"],
            Rooms = new(StringComparer.Ordinal) { ["Transport"] = [], ["Listening"] = ["Transport"], ["Clients"] = [] },
        },
        new("Posix.SharedMemory.Bridge")
        {
            PublicNamespaces = ["Posix.SharedMemory.Bridge"],
            Uses = ["Posix.SharedMemory", "Posix.SharedMemory.Channels"],
            Rooms = new(StringComparer.Ordinal)
            {
                ["Backends"] = [],
                ["Settings"] = [],
                ["Wire"] = ["Settings"],
                ["Reports"] = [],
                ["Exporting"] = ["Reports", "Wire", "Settings", "Backends"],
                ["Importing"] = ["Reports", "Wire", "Settings", "Backends"],
                ["Bridging"] = ["Importing", "Exporting", "Reports", "Wire", "Settings", "Backends"],
            },
            // An engine hands over messages where it reads them from the network: what they are copied into is above it.
            CallsUpward = ["IBridgeReceiver"],
        },
        new("Posix.SharedMemory.Bridge.Nats")
        {
            PublicNamespaces = ["Posix.SharedMemory.Bridge.Nats"],
            Uses = ["Posix.SharedMemory.Bridge"],
            Packages = ["NATS.Client.Core", "NATS.Client.JetStream"],
            Rooms = new(StringComparer.Ordinal) { ["Engine"] = [] },
        },
        new("Posix.SharedMemory.Bridge.Hosting")
        {
            PublicNamespaces = ["Posix.SharedMemory.Bridge.Hosting"],
            Uses = ["Posix.SharedMemory.Bridge", "Posix.SharedMemory.Bridge.Nats"],
            Packages = ["Microsoft.Extensions.Hosting.Abstractions", "Microsoft.Extensions.Logging.Abstractions"],
            Rooms = new(StringComparer.Ordinal) { ["Services"] = [] },
        },
        new("Posix.SharedMemory.Bridge.Tool")
        {
            Uses = ["Posix.SharedMemory", "Posix.SharedMemory.Threading", "Posix.SharedMemory.Channels", "Posix.SharedMemory.Bridge", "Posix.SharedMemory.Bridge.Nats"],
            Packages = ["System.CommandLine"],
            Rooms = new(StringComparer.Ordinal) { ["Given"] = [], ["Output"] = ["Given"], ["Bridging"] = ["Given", "Output"] },
        },
        new("Posix.SharedMemory.Tool")
        {
            Uses = ["Posix.SharedMemory", "Posix.SharedMemory.Threading", "Posix.SharedMemory.Channels"],
            Packages = ["System.CommandLine", "Spectre.Console"],
        },
    ];

    /// <summary>Gets the packages of this repository that its project may refer to.</summary>
    internal string[] Uses { get; init; } = [];

    /// <summary>Gets the packages from elsewhere that its project may refer to.</summary>
    internal string[] Packages { get; init; } = [];

    /// <summary>Gets the namespaces that its public types are in.</summary>
    internal string[] PublicNamespaces { get; init; } = [];

    /// <summary>Gets the folder that all others but <c>Interop</c> may use.</summary>
    internal string? Leaf { get; init; }

    /// <summary>Gets its folders, and the folders that each of them may use beside itself and the leaf; without any, there is no order.</summary>
    internal Dictionary<string, string[]> Rooms { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Gets what carries a call upward all the same: <c>Type</c> or <c>Type.Member</c>. The list gets shorter, never longer.</summary>
    internal string[] CallsUpward { get; init; } = [];

    /// <summary>Gets the classes that are longer than <see cref="MostLines"/>, with the lines that they may have. The list gets shorter, never longer.</summary>
    internal Dictionary<string, int> LongClasses { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Gets how many lines a class may have over all its parts, doc comments not counted.</summary>
    internal const int MostLines = 375;

    /// <summary>Gets the calls of the way of a byte, in order, and its limits.</summary>
    internal WayTable? Way { get; init; }
}

/// <summary>The way of a byte: the calls a reader follows, and how many files, lines and returns to a file it may take.</summary>
/// <param name="Calls">Public methods, as <c>Type.Method(first parameters' types)</c>.</param>
/// <param name="System">The word that the class of the system that is followed begins with.</param>
/// <param name="MostFiles">How many files may be entered.</param>
/// <param name="MostLines">How many lines of methods may be read, doc comments not counted.</param>
/// <param name="MostReturns">How many files may be entered more than once.</param>
internal sealed record WayTable(string[] Calls, string System, int MostFiles, int MostLines, int MostReturns)
{
    /// <summary>Gets the methods where the way forks for what an ordinary object does not meet: they are not followed. The list gets shorter, never longer.</summary>
    internal string[] Aside { get; init; } = [];
}
