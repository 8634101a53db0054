namespace Posix.SharedMemory.Tests.Model;

/// <summary>An object that the walk has open, as the library shows it and as the model does.</summary>
internal sealed record ModelHandle(SharedMemoryObject Real, ModelObject Model, int? NameIndex)
{
    /// <summary>Gets or sets the name it was opened by; null while it has none.</summary>
    internal int? NameIndex { get; set; } = NameIndex;

    internal MemoryMapping? Mapping { get; set; }
}
