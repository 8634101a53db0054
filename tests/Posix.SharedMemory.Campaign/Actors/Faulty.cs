using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory.Campaign;

/// <summary>Processes that do what nobody may, for <c>--self-test</c>: <c>faulty FAULT PREFIX-OR-NAME</c>.</summary>
internal static class Faulty
{
    internal static void Act(string[] arguments)
    {
        var prefix = arguments[1];
        switch (arguments[0])
        {
            case "torn":
                // Visible first, written afterwards.
                var bytes = Payload.Make(prefix, 1, 10_000, new(1));
                using (var memory = SharedMemoryObject.Open(prefix + "p1", FileMode.Create))
                {
                    memory.SetLength(bytes.Length);
                    memory.Write(bytes.AsSpan(0, 5000), 0);
                    Wait();
                }

                break;
            case "short":
                using (SharedMemoryObject.Open($"{prefix}c-Reserved-5000-1-1", FileMode.CreateNew, permissions: Crowd.Permissions))
                {
                    Wait();
                }

                break;
            case "grow-lock":
                using (var memory = SharedMemoryObject.Open(prefix))
                {
                    LockAll(memory);
                    Wait();
                }

                break;
            case "follow":
                using (var file = Native.Open("/dev/shm/" + prefix, Native.O_RDWR))
                {
                    RandomAccess.Write(file, [1], 0);
                }

                break;
            case "block":
                // Nobody ever opens the FIFO for writing.
                Native.Open("/dev/shm/" + prefix, Native.O_RDONLY).Dispose();
                break;
            case "fault":
                using (var memory = SharedMemoryObject.Create(prefix, 100_000))
                using (var mapping = memory.Map())
                {
                    Native.TryTruncate("/dev/shm/" + prefix, 0);
                    Console.WriteLine(Actor.Text(mapping.GetReadOnlySpan()[50_000]));
                }

                break;
            case "crash":
                throw new InvalidOperationException("As planted.");
            default:
                throw new ArgumentException(arguments[0], nameof(arguments));
        }
    }

    /// <summary>Takes the lock of the whole object: all that others lock is locked by this process.</summary>
    private static void LockAll(SharedMemoryObject memory)
    {
        var all = new LinuxFlock { l_type = Interop.Linux.F_WRLCK };
        if (Libc.fcntl_flock(memory.SafeFileHandle, Interop.Linux.F_OFD_SETLK, ref all) != 0)
        {
            throw new InvalidOperationException("The lock is taken.");
        }
    }

    private static void Wait()
    {
        Console.WriteLine("ready");
        Console.ReadLine();
    }
}
