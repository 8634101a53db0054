namespace Posix.SharedMemory.Tests.Regions;

/// <summary>Where the tests of regions put their files.</summary>
internal static class Directories
{
    /// <summary>On tmpfs, or on a file system that lasts; skips the test where there is none.</summary>
    internal static TemporaryDirectory Make(bool onDisk)
    {
        if (!onDisk)
        {
            return TemporaryDirectory.InMemory();
        }

        var directory = TemporaryDirectory.OnDisk();
        Skip.If(directory is null, "The directory of temporary files and the build's output are both in memory: no file system that lasts.");
        return directory!;
    }
}
