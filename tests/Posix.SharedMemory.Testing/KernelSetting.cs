using System.Diagnostics;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Testing;

/// <summary>A setting of the whole machine, changed until disposed, in turn with others that change it; should this process be killed, another restores it.</summary>
public sealed class KernelSetting : IDisposable
{
    /// <summary>Whether <c>O_CREAT</c> may open another user's file in a sticky directory.</summary>
    public const string ProtectedRegular = "/proc/sys/fs/protected_regular";

    private readonly SafeFileHandle _setting;
    private readonly byte[] _former;
    private readonly Process _survivor;

    private KernelSetting(SafeFileHandle setting, byte[] former, Process survivor) => (_setting, _former, _survivor) = (setting, former, survivor);

    /// <summary>Waits its turn, so that each restores what was there before all of them, and sets it.</summary>
    /// <param name="path">Under /proc/sys.</param>
    /// <param name="value">What it is set to.</param>
    /// <param name="obstacle">Why that cannot be done here.</param>
    public static KernelSetting? TrySet(string path, string value, out string? obstacle)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = Native.Open(path, Native.O_RDWR);
            Watchdog.Until(() => Native.TryLockAlone(handle), "the other runs to restore the setting");
            var former = new byte[16];
            former = former[..RandomAccess.Read(handle, former, 0)];
            var survivor = StartSurvivor(path, Encoding.ASCII.GetString(former));
            RandomAccess.Write(handle, Encoding.ASCII.GetBytes(value), 0);
            obstacle = null;
            return new(handle, former, survivor);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            handle?.Dispose();
            obstacle = $"{path} cannot be set here: {e.Message}";
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        RandomAccess.Write(_setting, _former, 0);
        _survivor.StandardInput.Close();
        _survivor.WaitForExit();
        _survivor.Dispose();
        _setting.Dispose();
    }

    /// <summary>Starts a process that restores the setting when its input ends, and that ends with this process however that ends.</summary>
    private static Process StartSurvivor(string path, string former) => Process.Start(
        new ProcessStartInfo("sh", ["-c", "trap '' INT HUP TERM; cat >/dev/null; printf %s \"$1\" >\"$2\"", "sh", former.Trim(), path]) { RedirectStandardInput = true, UseShellExecute = false })!;
}
