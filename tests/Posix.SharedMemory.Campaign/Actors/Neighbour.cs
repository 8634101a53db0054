using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Campaign;

/// <summary>Does what a hostile neighbour can, to the names that a worker is about to use: <c>harm PREFIX SEED TARGET</c>. Its links lead to TARGET.</summary>
internal static class Neighbour
{
    private static readonly string[] s_names = ["n0", "n1", "n2", "n3", "n4", "n5", "y", "z", "l", "n0r", "n1r", "n2r"];

    internal static void Harm(string[] arguments)
    {
        var (prefix, random, target) = (arguments[0], new Random(Actor.Number(arguments[1])), arguments[2]);
        var done = 0L;
        Actor.UntilTold(_ =>
        {
            var path = $"/dev/shm/{prefix}{s_names[random.Next(s_names.Length)]}";
            try
            {
                done += HarmOne(path, target, random) ? 1 : 0;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException)
            {
                // Not this time: the name is taken or free, or another user's.
            }
        });
        Console.WriteLine($"harmed {Actor.Text(done)}");
    }

    private static bool HarmOne(string path, string target, Random random)
    {
        switch (random.Next(13))
        {
            case 0 or 1:
                return SetLength(path, random.Next(3) == 0 ? 0 : random.Next(100_000));
            case 2:
                return SetLength(path, (long)random.Next(1, 64) << 20);
            case 3:
                using (var file = Open(path))
                {
                    File.SetUnixFileMode(file, random.Next(2) == 0 ? default : (UnixFileMode)0x1FF);
                }

                return true;
            case 4:
                Remove(path);
                return true;
            case 5:
                // Another object takes the name, in one step.
                var spare = $"{path}-spare-{Actor.Text(Environment.ProcessId)}";
                File.WriteAllBytes(spare, new byte[random.Next(9000)]);
                return Native.TryRename(spare, path);
            case 6 or 7:
                Clear(path, random);
                File.CreateSymbolicLink(path, target);
                return true;
            case 8:
                Clear(path, random);
                return Native.TryMakeFifo(path);
            case 9:
                Clear(path, random);
                if (random.Next(4) == 0)
                {
                    Directory.CreateDirectory(path);
                }

                return true;
            case 10:
                Clear(path, random);
                using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
                {
                    socket.Bind(new UnixDomainSocketEndPoint(path));
                }

                return true;
            case 11:
                // What others store past the end, and into the middle.
                using (var file = Open(path))
                {
                    RandomAccess.Write(file, new byte[random.Next(5000)], random.Next(50_000));
                }

                return true;
            default:
                Native.Link(path, path + "-twin");
                File.Delete(path + "-twin");
                return true;
        }
    }

    /// <summary>The links that lead elsewhere are for others: this one does not follow them himself.</summary>
    private static SafeFileHandle Open(string path) => Native.Open(path, Native.O_WRONLY | Native.O_NONBLOCK | Native.O_NOFOLLOW);

    private static bool SetLength(string path, long length)
    {
        using var file = Open(path);
        RandomAccess.SetLength(file, length);
        return true;
    }

    /// <summary>Mostly: else the name is taken by others nearly always.</summary>
    private static void Clear(string path, Random random)
    {
        if (random.Next(4) != 0)
        {
            Remove(path);
        }
    }

    private static void Remove(string path)
    {
        if (Directory.Exists(path) && new FileInfo(path).LinkTarget is null)
        {
            Directory.Delete(path);
        }
        else
        {
            File.Delete(path);
        }
    }
}
