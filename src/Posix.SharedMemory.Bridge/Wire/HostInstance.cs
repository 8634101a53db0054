namespace Posix.SharedMemory.Bridge;

/// <summary>
/// Which set of names a bridge sees: machines that are copies of each other, and containers of one machine, may have the same name, and are different hosts nevertheless. It stays the same when a bridge
/// is started again.
/// </summary>
internal static class HostInstance
{
    private static readonly string s_machine = Read("/proc/sys/kernel/random/boot_id").Trim() + DeviceOfNames(Read("/proc/self/mountinfo"));

    /// <summary>The instance of a bridge, 16 hexadecimal digits.</summary>
    /// <param name="prefix">What the names of channels begin with on this host.</param>
    internal static string Of(string prefix) => FrameLimits.OriginOf($"{s_machine}/{prefix}").ToString("x16", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The device that is mounted where the names are: each mount of tmpfs has another.</summary>
    internal static string DeviceOfNames(string mounts)
    {
        var device = "";
        foreach (var mount in mounts.Split('\n'))
        {
            // Number, number of the parent, device, root, and where it is mounted; the last one hides those before.
            if (mount.Split(' ') is [_, _, var found, _, "/dev/shm", ..])
            {
                device = found;
            }
        }

        return device;
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another system: hosts differ by their names only.
            return "";
        }
    }
}
