namespace Posix.SharedMemory.Tool;

/// <summary>
/// A name that is held by a symbolic link for an object which a process moves there, on a file system that cannot rename without replacing. A process that is killed meanwhile leaves the link.
/// </summary>
/// <param name="Name">The name.</param>
/// <param name="Source">The name that the object has until then.</param>
internal sealed record HeldName(string Name, string Source)
{
    private const string Directory = "/dev/shm/";

    /// <summary>The library makes its links with two slashes: <c>.//frames</c>.</summary>
    private const string Prefix = ".//";

    /// <summary>What the names begin with that the library gives to a new object until it has its own, or for the instant in which it replaces another.</summary>
    internal const string TemporaryPrefix = ".shm-publish-";

    private const int MostNamed = 5;

    /// <summary>Gets whether the object was new.</summary>
    internal bool IsForNew => Source.StartsWith(TemporaryPrefix, StringComparison.Ordinal);

    /// <summary>Finds the names that are held.</summary>
    /// <param name="objects">The names of objects, which need not be looked at.</param>
    internal static IReadOnlyList<HeldName> FindAll(IReadOnlySet<string> objects) => !OperatingSystem.IsLinux() ? []
        : [.. System.IO.Directory.EnumerateFileSystemEntries(Directory).Select(path => path[Directory.Length..]).Where(name => !objects.Contains(name)).Select(Find).OfType<HeldName>().OrderBy(held => held.Name, StringComparer.Ordinal)];

    /// <summary>Returns whether a name is held now, and for which object.</summary>
    internal static HeldName? Find(string name) =>
        OperatingSystem.IsLinux() && new FileInfo(Directory + name).LinkTarget is { } target && target.StartsWith(Prefix, StringComparison.Ordinal) ? new(name, target[Prefix.Length..]) : null;

    /// <summary>Some of the names, for a line.</summary>
    internal static string Names(IReadOnlyList<HeldName> all) =>
        string.Join(", ", all.Take(MostNamed).Select(held => EscapedText.Of(held.Name))) + (all.Count > MostNamed ? ", …" : "");

    /// <summary>Returns whether nothing can come here any more: a new object's temporary name is made once, and is gone.</summary>
    internal bool IsAbandoned() => IsForNew && !File.Exists(Directory + Source) && Find(Name) == this;

    /// <summary>What it is, for people.</summary>
    internal string Describe() => IsForNew
        ? "a process holds this name for an object that it creates, or was killed while it did"
        : $"a process holds this name for {EscapedText.Of(Source)}, which it moves here, or was killed while it did";
}
