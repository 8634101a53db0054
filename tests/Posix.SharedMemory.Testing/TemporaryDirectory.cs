namespace Posix.SharedMemory.Testing;

/// <summary>A directory for region files. Disposing removes it with what is in it.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    private TemporaryDirectory(string parent) => Path = Directory.CreateDirectory(System.IO.Path.Combine(parent, SharedMemoryObject.CreateUniqueName("region"))).FullName;

    /// <summary>Gets where it is.</summary>
    public string Path { get; }

    /// <summary>On tmpfs, where shared memory is.</summary>
    public static TemporaryDirectory InMemory() => new("/dev/shm");

    /// <summary>On a file system that lasts: the directory of temporary files or the build's output.</summary>
    /// <returns><see langword="null"/> where both are memory.</returns>
    public static TemporaryDirectory? OnDisk() =>
        new[] { System.IO.Path.GetTempPath(), AppContext.BaseDirectory }
            .Where(IsDisk)
            .Select(parent => new TemporaryDirectory(parent))
            .FirstOrDefault();

    /// <summary>A file in it.</summary>
    public string File(string name = "region") => System.IO.Path.Combine(Path, name);

    /// <summary>The names of what is in it.</summary>
    public IReadOnlyList<string> List() => [.. Directory.EnumerateFileSystemEntries(Path).Select(entry => System.IO.Path.GetFileName(entry)).Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static bool IsDisk(string directory)
    {
        using var peer = Peer.Run("stat", "--file-system", "--format=%T", directory);
        var (exitCode, output, _) = peer.Finish();
        return exitCode == 0 && output.Trim() is not ("tmpfs" or "ramfs") && IsWritable(directory);
    }

    private static bool IsWritable(string directory)
    {
        try
        {
            Directory.Delete(Directory.CreateDirectory(System.IO.Path.Combine(directory, SharedMemoryObject.CreateUniqueName("probe"))).FullName);
            return true;
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            return false;
        }
    }
}
