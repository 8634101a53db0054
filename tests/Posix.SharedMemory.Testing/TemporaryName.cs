namespace Posix.SharedMemory.Testing;

/// <summary>A name that no other test uses. Disposing removes whatever has it.</summary>
public sealed class TemporaryName : IDisposable
{
    /// <summary>Makes up a name.</summary>
    public TemporaryName(string prefix = "test") => Name = SharedMemoryObject.CreateUniqueName(prefix);

    /// <summary>Makes a name of another that nobody else uses.</summary>
    public TemporaryName(TemporaryName unique, string suffix) => Name = unique.Name + suffix;

    /// <summary>A name that is made up already, such as by another process.</summary>
    public static TemporaryName Of(string name) => new() { Name = name };

    /// <summary>Gets the name, without a slash.</summary>
    public string Name { get; private init; }

    /// <summary>Gets the file that Linux keeps the object in.</summary>
    public string Path => "/dev/shm/" + Name;

    /// <summary>Gets whether anything has the name now, a dangling link too.</summary>
    public bool Exists => File.Exists(Path) || Directory.Exists(Path) || new FileInfo(Path).LinkTarget is not null;

    /// <summary>The name.</summary>
    public static implicit operator string(TemporaryName name) => name.Name;

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Directory.Exists(Path))
        {
            Directory.Delete(Path, recursive: true);
        }
        else
        {
            File.Delete(Path);
        }
    }
}
