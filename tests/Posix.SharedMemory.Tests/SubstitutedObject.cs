namespace Posix.SharedMemory.Tests;

/// <summary>An unpublished object of 8 KiB that a substituted system made and acts on.</summary>
internal sealed class SubstitutedObject : IDisposable
{
    internal SubstitutedObject(Platform platform, long length = 8192)
    {
        using (Platform.Substitute(platform))
        {
            Memory = SharedMemoryObject.CreateUnpublished(length, new() { Backing = Backing.Sparse });
        }
    }

    internal SharedMemoryObject Memory { get; }

    public void Dispose() => Memory.Dispose();
}
