using System.Diagnostics;

namespace Posix.SharedMemory.Channels;

/// <content>Kills this process when it comes to the chosen window for the chosen time, or lets it pause there until its parent writes a line.</content>
internal static partial class KillWindow
{
    internal static int Chosen { get; set; }

    internal static int Times { get; set; }

    internal static bool Pauses { get; set; }

    static partial void Reach(int window)
    {
        if (window == Chosen && --Times == 0)
        {
            if (Pauses)
            {
                Console.WriteLine("paused");
                Console.ReadLine();
                return;
            }

            using var self = Process.GetCurrentProcess();
            self.Kill();
            Thread.Sleep(Timeout.Infinite);
        }
    }
}
