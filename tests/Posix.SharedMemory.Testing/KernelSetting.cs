using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Testing;

/// <summary>A setting of the whole machine, changed until disposed, in turn with others that change it.</summary>
public sealed class KernelSetting : IDisposable
{
    /// <summary>Whether <c>O_CREAT</c> may open another user's file in a sticky directory.</summary>
    public const string ProtectedRegular = "/proc/sys/fs/protected_regular";

    private readonly SafeFileHandle _setting;
    private readonly byte[] _former;

    private KernelSetting(SafeFileHandle setting, byte[] former) => (_setting, _former) = (setting, former);

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
            RandomAccess.Write(handle, Encoding.ASCII.GetBytes(value), 0);
            obstacle = null;
            return new(handle, former);
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
        _setting.Dispose();
    }
}
