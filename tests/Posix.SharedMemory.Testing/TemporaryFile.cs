namespace Posix.SharedMemory.Testing;

/// <summary>A file outside shared memory. Disposing removes it.</summary>
public sealed class TemporaryFile : IDisposable
{
    /// <summary>Gets where it is.</summary>
    public string Path { get; } = System.IO.Path.GetTempFileName();

    /// <inheritdoc/>
    public void Dispose() => File.Delete(Path);
}
