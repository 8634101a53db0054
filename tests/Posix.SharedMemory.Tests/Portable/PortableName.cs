namespace Posix.SharedMemory.Tests.Portable;

/// <summary>A name of at most 30 bytes that no other test uses. Disposing unlinks whatever has it.</summary>
internal sealed class PortableName : IDisposable
{
    public string Name { get; } = SharedMemoryObject.CreateUniqueName("portable");

    public static implicit operator string(PortableName name) => name.Name;

    public bool Exists
    {
        get
        {
            var exists = SharedMemoryObject.TryOpen(Name, FileAccess.Read, out var memory);
            memory?.Dispose();
            return exists;
        }
    }

    public override string ToString() => Name;

    public void Dispose() => SharedMemoryObject.TryUnlink(Name);
}
