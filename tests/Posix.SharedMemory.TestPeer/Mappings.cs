using System.Globalization;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.TestPeer;

/// <summary>Commands that use mapped memory together with a test; each says <c>ready</c> when it has mapped.</summary>
internal static class Mappings
{
    /// <summary><c>map-count NAME ROUNDS</c>: at each line, adds 1 to the first value of each page, that many times, at the same time as others.</summary>
    internal static void Count(string[] arguments)
    {
        using var memory = SharedMemoryObject.Open(arguments[0]);
        using var mapping = memory.Map();
        Console.WriteLine("ready");
        while (Console.ReadLine() is not null)
        {
            for (var round = 0; round < Number(arguments[1]); round++)
            {
                for (var offset = 0L; offset < mapping.Length; offset += Environment.SystemPageSize)
                {
                    Interlocked.Increment(ref mapping.GetReference<long>(offset));
                }
            }

            Console.WriteLine("done");
        }
    }

    /// <summary><c>map-consume NAME ROUNDS</c>: checks each publication: the sequence at 0, the answer at 64, 64 values at 128.</summary>
    internal static void Consume(string[] arguments)
    {
        using var memory = SharedMemoryObject.Open(arguments[0]);
        using var mapping = memory.Map();
        using var lease = mapping.Acquire();
        Ready();
        for (var round = 1L; round <= Number(arguments[1]); round++)
        {
            for (var wait = default(SpinWait); Volatile.Read(ref lease.GetReference<long>(0)) < round; wait.SpinOnce(sleep1Threshold: -1))
            {
            }

            var values = MemoryMarshal.Cast<byte, long>(lease.GetReadOnlySpan(128, 64 * sizeof(long)));
            if (values.ContainsAnyExcept(round))
            {
                throw new InvalidOperationException($"Publication {round} was seen before its values.");
            }

            Volatile.Write(ref lease.GetReference<long>(64), round);
        }

        Console.WriteLine("done");
    }

    /// <summary><c>map-store NAME</c>: for each line <c>LENGTH OFFSET VALUE</c> makes the object that long, stores the byte, says <c>stored</c>.</summary>
    /// <remarks>An offset of -1 stores nothing.</remarks>
    internal static void Store(string[] arguments)
    {
        using var memory = SharedMemoryObject.Open(arguments[0]);
        Console.WriteLine("ready");
        while (Console.ReadLine() is { } line)
        {
            var numbers = line.Split(' ').Select(Number).ToArray();
            memory.SetLength(numbers[0], Backing.Sparse);
            if (numbers[1] >= 0)
            {
                memory.Write([(byte)numbers[2]], numbers[1]);
            }

            Console.WriteLine("stored");
        }
    }

    /// <summary><c>map-cut NAME LENGTH ROUNDS</c>: cuts the object, to nothing or in the middle, and gives it its length again, that many times.</summary>
    internal static void Cut(string[] arguments)
    {
        var length = Number(arguments[1]);
        using var memory = SharedMemoryObject.Open(arguments[0]);
        Ready();
        for (var round = 0L; round < Number(arguments[2]); round++)
        {
            memory.SetLength(round * 4099 % length, Backing.Sparse);
            memory.SetLength(length, Backing.Sparse);
        }

        Console.WriteLine("done");
    }

    /// <summary>
    /// <c>map-survive NAME</c>: reads and writes by every way that promises not to fault, while others cut the object, until a line
    /// comes. Prints how often it got the bytes, how often it was refused, and how often the length changed.
    /// </summary>
    internal static void Survive(string[] arguments)
    {
        using var memory = SharedMemoryObject.Open(arguments[0]);
        using var mapping = memory.Map();
        var length = mapping.Length;
        using var all = memory.Map(0, length);
        var bytes = new byte[3 * Environment.SystemPageSize];
        long whole = 0, refused = 0, changed = 0;
        Console.WriteLine("ready");
        var stop = Task.Run(Console.ReadLine);
        for (var round = 0L; !stop.IsCompleted; round++)
        {
            // Bounds are those of the mapping's length, which nobody refreshes here: only the kernel knows of the cut.
            var offset = round * 6151 % (length - bytes.Length);
            var done = round % 2 == 0 ? all.TryRead(offset, bytes) : all.TryWrite(offset, bytes);
            whole += done ? 1 : 0;
            refused += done ? 0 : 1;
            _ = memory.Read(bytes, offset);
            try
            {
                memory.Write(bytes.AsSpan(0, 10), offset);
            }
            catch (ArgumentOutOfRangeException)
            {
                refused++;
            }

            changed += mapping.Refresh() ? 1 : 0;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{whole} {refused} {changed}"));
    }

    /// <summary><c>map-lock NAME</c>: prints <c>locked</c>, or the error.</summary>
    internal static void Lock(string[] arguments)
    {
        using var memory = SharedMemoryObject.Open(arguments[0]);
        using var mapping = memory.Map();
        try
        {
            mapping.LockInMemory();
            Console.WriteLine("locked");
        }
        catch (SharedMemoryException e)
        {
            Console.WriteLine(e.Errno.ToString());
        }
    }

    /// <summary><c>map-prefault NAME LENGTH</c>: brings in a sparse object; prints <c>there</c>, or the error and whether the bytes are as they were.</summary>
    internal static void Prefault(string[] arguments)
    {
        using var memory = SharedMemoryObject.Create(arguments[0], Number(arguments[1]), new() { Backing = Backing.Sparse });
        memory.Write([1, 2, 3], 0);
        using var mapping = memory.Map();
        try
        {
            mapping.Prefault();
            Console.WriteLine("there");
        }
        catch (SharedMemoryException e)
        {
            var kept = mapping.GetReadOnlySpan(0, 4).SequenceEqual((ReadOnlySpan<byte>)[1, 2, 3, 0]);
            Console.WriteLine($"{e.Errno} {(kept ? "kept" : "changed")}");
        }

        memory.Unlink();
    }

    private static void Ready()
    {
        Console.WriteLine("ready");
        Console.ReadLine();
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
