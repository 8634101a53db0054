using System.IO.MemoryMappedFiles;

namespace Posix.SharedMemory.Benchmarks;

// The base library's own way is what this is measured against.
#pragma warning disable RS0030

/// <summary>An existing object as the base library opens it: as a file under /dev/shm.</summary>
internal sealed class BaseLibraryFile : IDisposable
{
    private readonly MemoryMappedFile _file;
    private MemoryMappedViewAccessor? _view;

    /// <param name="capacity">A longer length to give it; 0: as it is.</param>
    internal BaseLibraryFile(string name, long capacity = 0) =>
        _file = MemoryMappedFile.CreateFromFile("/dev/shm/" + name, FileMode.Open, mapName: null, capacity);

    /// <summary>A view that lives as long as this.</summary>
    internal MemoryMappedViewAccessor View() => _view ??= NewView();

    internal MemoryMappedViewAccessor NewView() => _file.CreateViewAccessor();

    internal MemoryMappedViewStream NewStream() => _file.CreateViewStream();

    public void Dispose()
    {
        _view?.Dispose();
        _file.Dispose();
    }
}
