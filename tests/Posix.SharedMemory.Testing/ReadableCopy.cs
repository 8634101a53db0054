namespace Posix.SharedMemory.Testing;

/// <summary>A copy of the peer where every user may read it; the build's output may lie in somebody's home.</summary>
public sealed class ReadableCopy : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("peer").FullName;

    /// <summary>Copies.</summary>
    public ReadableCopy()
    {
        // Not by this process: what another test forks meanwhile would have a program open for writing, and nobody could run it (ETXTBSY).
        using var copy = Peer.Run("sh", "-c", $"cp '{AppContext.BaseDirectory}'/Posix.SharedMemory* '{_directory}' && chmod -R a+rX '{_directory}'");
        var (exitCode, _, errors) = copy.Finish();
        if (exitCode != 0)
        {
            throw new InvalidOperationException(errors);
        }
    }

    /// <summary>Gets the peer's path.</summary>
    public string Program => PathOf(Peer.Program);

    /// <summary>The path of another program that was built beside it.</summary>
    public string PathOf(string program) => Path.Combine(_directory, Path.GetFileName(program));

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
