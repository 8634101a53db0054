using System.Diagnostics;

namespace Posix.SharedMemory.Testing;

/// <summary>A setting of the whole machine, changed until disposed, in turn with others that change it.</summary>
/// <remarks>Another process changes it and changes it back, when its input ends: that is so also where this one is killed.</remarks>
public sealed class KernelSetting : IDisposable
{
    /// <summary>Whether <c>O_CREAT</c> may open another user's file in a sticky directory.</summary>
    public const string ProtectedRegular = "/proc/sys/fs/protected_regular";

    // It waits its turn, so that each restores what was there before all of them.
    private const string Script = """
        trap '' INT HUP TERM
        exec 9<>"$1" && flock 9 && former=$(cat "$1") && printf %s "$2" >"$1" || exit 1
        echo set
        cat >/dev/null
        printf %s "$former" >"$1"
        """;

    private readonly Process _changer;

    private KernelSetting(Process changer) => _changer = changer;

    /// <summary>Waits its turn, and sets it.</summary>
    /// <param name="path">Under /proc/sys.</param>
    /// <param name="value">What it is set to.</param>
    /// <param name="obstacle">Why that cannot be done here.</param>
    public static KernelSetting? TrySet(string path, string value, out string? obstacle)
    {
        obstacle = null;
        var changer = Process.Start(new ProcessStartInfo("sh", ["-c", Script, "sh", path, value])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        })!;
        if (Watchdog.Run(changer.StandardOutput.ReadLine, "the other runs to restore the setting") == "set")
        {
            return new(changer);
        }

        obstacle = $"{path} cannot be set here: {changer.StandardError.ReadToEnd().Trim()}";
        changer.WaitForExit();
        changer.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _changer.StandardInput.Close();
        _changer.WaitForExit();
        _changer.Dispose();
    }
}
