namespace Posix.SharedMemory.Campaign;

/// <summary>The directory of temporary files of this process and of those that it starts: who is killed does not clear away.</summary>
internal sealed class Scratch : IDisposable
{
    private const string Variable = "TMPDIR";

    private readonly string? _former = Environment.GetEnvironmentVariable(Variable);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("campaign");

    internal Scratch()
    {
        // Others enter it too.
        File.SetUnixFileMode(_directory.FullName, (UnixFileMode)0x1ED);
        Environment.SetEnvironmentVariable(Variable, _directory.FullName);
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(Variable, _former);
        _directory.Delete(recursive: true);
    }
}
