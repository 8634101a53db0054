using System.Diagnostics;

namespace Posix.SharedMemory.Channels;

/// <content>Kills this process when it comes to the chosen window for the chosen time.</content>
internal static partial class KillWindow
{
    internal static int Chosen { get; set; }

    internal static int Times { get; set; }

    static partial void Reach(int window)
    {
        if (window == Chosen && --Times == 0)
        {
            using var self = Process.GetCurrentProcess();
            self.Kill();
            Thread.Sleep(Timeout.Infinite);
        }
    }
}
