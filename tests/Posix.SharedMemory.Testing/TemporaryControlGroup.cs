using System.Globalization;

namespace Posix.SharedMemory.Testing;

/// <summary>A control group of its own with a limit on memory, below that of this process. Removed when disposed; by then nothing may run in it.</summary>
public sealed class TemporaryControlGroup : IDisposable
{
    private const string Mount = "/sys/fs/cgroup";

    private readonly string _path;

    private TemporaryControlGroup(string path) => _path = path;

    /// <summary>Makes one.</summary>
    /// <param name="obstacle">Why that cannot be done here.</param>
    public static TemporaryControlGroup? TryCreate(long limit, out string? obstacle)
    {
        foreach (var (parent, file) in Parents())
        {
            var path = $"{parent}/shm-test-{Guid.NewGuid():N}";
            try
            {
                Directory.CreateDirectory(path);
                File.WriteAllText($"{path}/{file}", limit.ToString(CultureInfo.InvariantCulture));
                obstacle = null;
                return new(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (Directory.Exists(path))
                {
                    Directory.Delete(path);
                }
            }
        }

        obstacle = "This user cannot make a control group with a limit on memory here.";
        return null;
    }

    /// <summary>Gets its directory, and where the hierarchy is mounted, so that a container's view of it can be made.</summary>
    public (string Directory, string Point) Places => (_path, _path.StartsWith($"{Mount}/memory/", StringComparison.Ordinal) ? $"{Mount}/memory" : Mount);

    /// <summary>Starts the peer inside.</summary>
    public Peer Start(string command) => StartLine($"'{Peer.Program}' {command}");

    /// <summary>Starts a program inside.</summary>
    /// <param name="line">As a shell reads it.</param>
    public Peer StartLine(string line) => Peer.Run("sh", "-c", $"echo $$ > '{_path}/cgroup.procs' && exec {line}");

    /// <inheritdoc/>
    public void Dispose()
    {
        // The kernel takes a moment to let go of a process that has ended.
        Watchdog.Until(TryDelete, "the end of a control group");
    }

    private bool TryDelete()
    {
        try
        {
            Directory.Delete(_path);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static IEnumerable<(string Parent, string File)> Parents()
    {
        foreach (var fields in File.ReadLines("/proc/self/cgroup").Select(line => line.Split(':', 3)))
        {
            if (fields[1].Split(',').Contains("memory", StringComparer.Ordinal))
            {
                yield return ($"{Mount}/memory{fields[2].TrimEnd('/')}", "memory.limit_in_bytes");
                yield return ($"{Mount}/memory", "memory.limit_in_bytes");
            }
            else if (fields is ["0", "", var path] && File.Exists($"{Mount}/cgroup.controllers"))
            {
                yield return (Mount + path.TrimEnd('/'), "memory.max");
                yield return (Mount, "memory.max");
            }
        }
    }
}
