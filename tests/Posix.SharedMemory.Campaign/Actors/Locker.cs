using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory.Campaign;

/// <summary>Another program that locks bytes of the objects, or all of them, by POSIX locks and by those of open file descriptions, for some milliseconds each: <c>lock PREFIX</c>. It ends when it is killed.</summary>
internal static class Locker
{
    private const int F_SETLK = 6;

    internal static void Lock(string[] arguments)
    {
        var random = new Random();
        while (true)
        {
            var paths = Leftovers.Paths(arguments[0]);
            if (paths.Count == 0)
            {
                Thread.Sleep(5);
                continue;
            }

            try
            {
                using var file = Native.Open(paths[random.Next(paths.Count)], Native.O_RDWR);
                LockSome(file, random);
                Thread.Sleep(random.Next(20));
            }
            catch (IOException)
            {
                // The name is gone, or is not a file that can be opened.
            }
        }
    }

    private static void LockSome(SafeFileHandle file, Random random)
    {
        var command = random.Next(2) == 0 ? F_SETLK : Interop.Linux.F_OFD_SETLK;
        var part = new LinuxFlock
        {
            l_type = random.Next(3) == 0 ? Interop.Linux.F_RDLCK : Interop.Linux.F_WRLCK,
            l_start = random.Next(2) == 0 ? 0 : random.Next(10_000),
            l_len = random.Next(2) == 0 ? 0 : 1 + random.Next(10_000),
        };
        _ = Libc.fcntl_flock(file, command, ref part);
    }
}
