namespace Posix.SharedMemory.Testing;

/// <summary>A copy of the peer where every user may read it; the build's output may lie in somebody's home.</summary>
public sealed class ReadableCopy : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("peer").FullName;

    /// <summary>Copies.</summary>
    public ReadableCopy()
    {
        foreach (var file in Directory.EnumerateFiles(AppContext.BaseDirectory, "Posix.SharedMemory*"))
        {
            File.Copy(file, Path.Combine(_directory, Path.GetFileName(file)));
        }

        using var chmod = Peer.Run("chmod", "-R", "a+rX", _directory);
        _ = chmod.Finish();
    }

    /// <summary>Gets the peer's path.</summary>
    public string Program => PathOf(Peer.Program);

    /// <summary>The path of another program that was built beside it.</summary>
    public string PathOf(string program) => Path.Combine(_directory, Path.GetFileName(program));

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
