using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.TestPeer;

/// <summary>Commands that several processes run against each other; each says <c>ready</c> and starts when a line comes.</summary>
internal static class Racing
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    /// <summary>
    /// <c>race-create NAME THREADS ROUNDS [LENGTH]</c>: creates NAME-0, NAME-1 …; prints how often it succeeded and how often the name was taken.
    /// </summary>
    internal static void Create(string[] arguments)
    {
        var (name, threads, rounds) = (arguments[0], Number(arguments[1]), Number(arguments[2]));
        var length = arguments.Length > 3 ? Number(arguments[3]) : 100;
        int created = 0, taken = 0;
        Start();
        InParallel(threads, _ =>
        {
            for (var round = 0; round < rounds; round++)
            {
                try
                {
                    SharedMemoryObject.Create($"{name}-{round}", length).Dispose();
                    Interlocked.Increment(ref created);
                }
                catch (SharedMemoryException e) when (e.Errno == Errno.EEXIST)
                {
                    Interlocked.Increment(ref taken);
                }
            }
        });
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{created} {taken}"));
    }

    /// <summary><c>race-open-or-create NAME ROUNDS</c>: opens or creates and counts; what it created it removes again. Prints how many it created.</summary>
    internal static void OpenOrCreate(string[] arguments)
    {
        var (name, rounds) = (arguments[0], Number(arguments[1]));
        var made = 0;
        Start();
        for (var round = 0; round < rounds; round++)
        {
            using var memory = SharedMemoryObject.OpenOrCreate(name, 8, out var created);
            using var mapping = memory.Map();
            // Whoever created an object marks it, and nobody else may have: two marks mean two creators of one object.
            if (created)
            {
                made++;
                if (Interlocked.Increment(ref mapping.GetReference<int>(0)) != 1)
                {
                    throw new InvalidOperationException("Two processes learned that they had created one object.");
                }

                SharedMemoryObject.TryUnlink(name);
            }
            else if (round % 3 == 0)
            {
                SharedMemoryObject.TryUnlink(name);
            }
        }

        Console.WriteLine(made);
    }

    /// <summary><c>race-read NAME</c>: opens and checks until a line comes. Prints how many times, or what was wrong.</summary>
    /// <remarks>An object is whole if its length is 64 × n + 8 and each of its bytes is n, below 255.</remarks>
    internal static void Read(string[] arguments)
    {
        var stop = StopOnLine();
        var reads = 0;
        while (!stop.IsCompleted)
        {
            using var memory = SharedMemoryObject.Open(arguments[0], FileMode.Open, FileAccess.Read);
            var bytes = new byte[memory.Length];
            if (memory.Read(bytes, 0) != bytes.Length || bytes.Length == 0 || bytes.Length != (64 * bytes[0]) + 8
                || bytes.AsSpan().ContainsAnyExcept(bytes[0]))
            {
                throw new InvalidOperationException($"A torn object of {bytes.Length} bytes.");
            }

            reads++;
        }

        Console.WriteLine(reads);
    }

    /// <summary>
    /// <c>race-grow NAME WRITER WRITERS ROUNDS BACKING</c>: in each round all writers make the object longer by the same odd number of
    /// bytes at once, and each stores its number in its part of what is new. The first 8 bytes count the arrivals.
    /// </summary>
    internal static void Grow(string[] arguments)
    {
        var (writer, writers, rounds) = (Number(arguments[1]), Number(arguments[2]), Number(arguments[3]));
        var backing = Enum.Parse<Backing>(arguments[4]);
        using var memory = SharedMemoryObject.Open(arguments[0]);
        using var head = memory.Map(0, 8);
        Start();
        for (var round = 1; round <= rounds; round++)
        {
            // Nobody grows before everybody has stored: a shorter length than the present one would be a wish to shrink.
            ref var arrivals = ref head.GetReference<long>(0);
            Interlocked.Increment(ref arrivals);
            for (var wait = default(SpinWait); Volatile.Read(ref arrivals) < (long)round * writers; wait.SpinOnce(sleep1Threshold: -1))
            {
            }

            var part = Parts.BytesOf(round);
            var start = Parts.StartOf(round, writers);
            Patiently(() => memory.SetLength(start + (part * writers), backing));
            var record = new byte[part];
            record.AsSpan().Fill((byte)(writer + 1));
            memory.Write(record, start + (part * writer));
        }

        Console.WriteLine("done");
    }

    /// <summary><c>check-grown NAME WRITERS ROUNDS</c>: after <c>race-grow</c>, prints <c>whole</c>, or what is not.</summary>
    internal static void CheckGrown(string[] arguments)
    {
        var (writers, rounds) = (Number(arguments[1]), Number(arguments[2]));
        using var memory = SharedMemoryObject.Open(arguments[0]);
        var bytes = new byte[memory.Length];
        memory.Read(bytes, 0);
        var end = Parts.StartOf(rounds + 1, writers);
        var complaint = bytes.Length == end ? null : string.Create(CultureInfo.InvariantCulture, $"{bytes.Length} bytes instead of {end}");
        for (var round = 1; round <= rounds && complaint is null; round++)
        {
            var (start, part) = ((int)Parts.StartOf(round, writers), Parts.BytesOf(round));
            for (var writer = 0; writer < writers; writer++)
            {
                if (bytes.AsSpan(start + (part * writer), part).ContainsAnyExcept((byte)(writer + 1)))
                {
                    complaint = string.Create(CultureInfo.InvariantCulture, $"round {round}: the bytes of writer {writer} are not what it stored");
                }
            }
        }

        Console.WriteLine(complaint ?? "whole");
    }

    /// <summary><c>race-truncate NAME LENGTH</c>: makes the object empty and long again until a line comes.</summary>
    internal static void Truncate(string[] arguments)
    {
        using var memory = SharedMemoryObject.Open(arguments[0]);
        var stop = StopOnLine();
        var rounds = 0;
        while (!stop.IsCompleted)
        {
            memory.SetLength(rounds % 3 == 0 ? 1 : 0);
            memory.SetLength(Number(arguments[1]), rounds % 2 == 0 ? Backing.Sparse : Backing.Reserved);
            rounds++;
        }

        Console.WriteLine(rounds);
    }

    /// <summary><c>race-join NAME</c>: joins and leaves an object until a line comes. Prints how often, or what was wrong.</summary>
    internal static void Join(string[] arguments)
    {
        var options = new SharedMemoryOptions { Lifetime = Lifetime.UnlinkOnLastDispose };
        var stop = StopOnLine();
        var rounds = 0;
        // Once at least: a member that comes after a kill becomes the last one.
        do
        {
            SharedMemoryObject? joined = null;
            Patiently(() => joined = SharedMemoryObject.OpenOrCreate(arguments[0], 64, out _, options));
            using var memory = joined!;
            for (var look = 0; look < 3; look++)
            {
                if (memory.IsUnlinked)
                {
                    throw new InvalidOperationException($"In round {rounds} the name is gone, while this user lives.");
                }
            }

            // A reader becomes a member too, and leaves by way of a descriptor open for writing.
            if (rounds % 5 == 0)
            {
                SharedMemoryObject? opened = null;
                Patiently(() => opened = SharedMemoryObject.Open(arguments[0], FileMode.Open, FileAccess.Read));
                using var reader = opened!;
                memory.Dispose();
                if (reader.IsUnlinked)
                {
                    throw new InvalidOperationException($"In round {rounds} the name is gone, while this reader lives.");
                }
            }

            rounds++;
        }
        while (!stop.IsCompleted);

        Console.WriteLine(rounds);
    }

    /// <summary>
    /// <c>race-leave NAME MEETING USER USERS ROUNDS</c>: in each round all users become members, and leave at the same instant.
    /// Prints in how many rounds the name was still there after that. The users meet at a counter in the object MEETING.
    /// </summary>
    internal static void Leave(string[] arguments)
    {
        var name = arguments[0];
        var (user, users, rounds) = (Number(arguments[2]), Number(arguments[3]), Number(arguments[4]));
        var options = new SharedMemoryOptions { Lifetime = Lifetime.UnlinkOnLastDispose };
        using var memory = SharedMemoryObject.Open(arguments[1]);
        using var counter = memory.Map();
        var (met, left) = (0L, 0);
        Start();
        for (var round = 0; round < rounds; round++)
        {
            var member = SharedMemoryObject.OpenOrCreate(name, 64, out _, options);
            if ((round + user) % 3 == 0)
            {
                // The reading thread ends through another descriptor.
                var reader = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
                member.Dispose();
                member = reader;
            }

            Meet();
            member.Dispose();
            Meet();
            left += user == 0 && SharedMemoryObject.TryUnlink(name) ? 1 : 0;
            Meet();
        }

        Console.WriteLine(left);

        void Meet()
        {
            ref var arrivals = ref counter.GetReference<long>(0);
            met += users;
            Interlocked.Increment(ref arrivals);
            for (var wait = default(SpinWait); Volatile.Read(ref arrivals) < met; wait.SpinOnce(sleep1Threshold: -1))
            {
            }
        }
    }

    /// <summary><c>race-target NAME LENGTH</c>: creates and removes a name until a line comes.</summary>
    internal static void Target(string[] arguments)
    {
        var stop = StopOnLine();
        var rounds = 0;
        while (!stop.IsCompleted)
        {
            if (SharedMemoryObject.TryOpen(arguments[0], FileAccess.Read, out var other))
            {
                other.Dispose();
                SharedMemoryObject.TryUnlink(arguments[0]);
            }
            else
            {
                SharedMemoryObject.OpenOrCreate(arguments[0], Number(arguments[1]), out _).Dispose();
            }

            rounds++;
        }

        Console.WriteLine(rounds);
    }

    private static void InParallel(int threads, Action<int> act)
    {
        var running = Enumerable.Range(0, threads).Select(number => new Thread(() => act(number))).ToList();
        running.ForEach(thread => thread.Start());
        running.ForEach(thread => thread.Join());
    }

    private static void Start()
    {
        Console.WriteLine("ready");
        Console.ReadLine();
    }

    private static Task<string?> StopOnLine()
    {
        Start();
        return Task.Run(Console.ReadLine);
    }

    /// <summary>Does it again where another process's turn took longer than the library waits, as on a machine that has much more to do than it can.</summary>
    private static void Patiently(Action act)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                act();
                return;
            }
            catch (SharedMemoryException e) when (e.Errno == Errno.EAGAIN && Stopwatch.GetElapsedTime(started) < s_limit)
            {
                // The next try.
            }
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
