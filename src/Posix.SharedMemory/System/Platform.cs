namespace Posix.SharedMemory;

/// <summary>What the operating system can do with shared memory: a role for each concern.</summary>
/// <remarks>
/// Interrupted calls and error numbers end in the roles. A verb throws <see cref="SharedMemoryException"/>, except where its callers expect
/// some errors in the ordinary course: those return the <see cref="Errno"/>. A verb that a system does not have throws
/// <see cref="PlatformNotSupportedException"/>, which is what the roles' base classes do.
/// </remarks>
/// <param name="Names">Opens, publishes, renames, finds and removes names.</param>
/// <param name="Backing">Lengths, and the memory behind the bytes.</param>
/// <param name="Mapping">Maps objects, and copies without faulting.</param>
/// <param name="Seals">Objects that never have a name, what kind of memory they are, and what they are sealed against.</param>
/// <param name="Membership">Which process shares in a name.</param>
/// <param name="Wire">Bytes and descriptors on their way to other processes.</param>
/// <param name="Inspection">What other processes do with the memory, and where its pages are. Not needed to use it.</param>
internal record Platform(
    SystemNames Names,
    SystemBacking Backing,
    SystemMapping Mapping,
    SystemSeals Seals,
    SystemMembership Membership,
    SystemWire Wire,
    SystemInspection Inspection)
{
    private static readonly Platform s_native = Choose();

    [ThreadStatic]
    private static Platform? t_substitute;

    /// <summary>Gets the system this process runs on; in a test, what the test put in its place on this thread.</summary>
    internal static Platform Current => t_substitute ?? s_native;

    /// <summary>Puts <paramref name="platform"/> in the system's place on this thread until the result is disposed. For tests.</summary>
    internal static Substitution Substitute(Platform platform)
    {
        var previous = t_substitute;
        t_substitute = platform;
        return new(previous);
    }

    /// <summary>Linux, whose calls are made by <paramref name="calls"/>.</summary>
    internal static Platform Linux(SystemCalls calls)
    {
        var files = new LinuxFiles(calls);
        var pages = new LinuxPages(calls);
        var membership = new LinuxMembership(calls, files);
        var names = new LinuxNames(calls, files, membership);
        var seals = new LinuxSeals(calls, files);
        var mapping = new LinuxMapping(calls, seals);
        var backing = new LinuxBacking(calls, files, seals, mapping, membership, pages);
        var wire = new LinuxWire(calls, seals, files);
        return new(
            names, backing, mapping, seals, membership, wire, new LinuxInspection(calls, files, names, backing, seals, membership, pages, wire));
    }

    /// <summary>FreeBSD, whose calls are made by <paramref name="calls"/>.</summary>
    internal static Platform FreeBsd(SystemCalls calls)
    {
        var files = new FreeBsdFiles(calls);
        var seals = new FreeBsdSeals(calls, files);
        var mapping = new FreeBsdMapping(calls, seals);
        var backing = new FreeBsdBacking(calls, files, seals, mapping);
        return new(
            new FreeBsdNames(calls, files, backing), backing, mapping, seals, new BsdMembership(), new FreeBsdWire(calls), new BsdInspection());
    }

    /// <summary>macOS, whose calls are made by <paramref name="calls"/>.</summary>
    internal static Platform MacOS(SystemCalls calls)
    {
        var files = new MacOSFiles(calls);
        var names = new MacOSNames(calls, files);
        var seals = new MacOSSeals(calls, files, names);
        return new(
            names, new MacOSBacking(calls, files, seals), new MacOSMapping(calls, files, seals), seals, new BsdMembership(), new MacOSWire(calls),
            new BsdInspection());
    }

    /// <summary>A system that has none of it: the library loads there, and every verb says what to use instead.</summary>
    internal static Platform None() => new(new(), new(), new(), new(), new(), new(), new());

    /// <summary>Ends a substitution.</summary>
    internal readonly ref struct Substitution(Platform? previous)
    {
        public void Dispose() => t_substitute = previous;
    }

    /// <summary>The failure of a verb that a system does not have, as every verb of <see cref="None"/>.</summary>
    internal static PlatformNotSupportedException NotSupported() => new(
        OperatingSystem.IsWindows()
            ? "POSIX shared memory does not exist on Windows. Use System.IO.MemoryMappedFiles: MemoryMappedFile.CreateOrOpen(name, capacity)."
            : "POSIX shared memory is supported on Linux (x64, arm64, riscv64, loongarch64), macOS and FreeBSD. Elsewhere use System.IO.MemoryMappedFiles with a file.");

    private static Platform Choose() =>
        OperatingSystem.IsLinux() && Interop.Linux.IsKnownArchitecture ? Linux(SystemCalls.Real)
        : OperatingSystem.IsMacOS() ? MacOS(SystemCalls.Real)
        : OperatingSystem.IsFreeBSD() ? FreeBsd(SystemCalls.Real)
        : None();
}
