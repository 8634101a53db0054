using System.Globalization;

namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>What the other process does: it joins, says who it is, and then does one thing per line.</summary>
internal static class Acts
{
    internal static int Run(string command, string[] arguments)
    {
        if (command.StartsWith("named-", StringComparison.Ordinal))
        {
            return RunNamed(command, arguments[0]);
        }

        using var memory = SharedMemoryObject.Open(arguments[0]);
        using var mapping = memory.Map();
        if (RunAlone(command, arguments, mapping))
        {
            return 0;
        }

        var kernel = new KillingKernel();
        if (command == "act-until-killed")
        {
            Kernel.Current = kernel;
        }

        using var roster = command == "act-until-killed" ? Roster.Join(kernel, mapping, 0, Roster.DefaultSeats, null) : Roster.Join(mapping);
        Console.WriteLine(roster.Self.Value.ToString(CultureInfo.InvariantCulture));
        while (Console.ReadLine() is { } line)
        {
            if (line.StartsWith("kill at ", StringComparison.Ordinal))
            {
                kernel.Arm(int.Parse(line.AsSpan("kill at ".Length), CultureInfo.InvariantCulture));
                continue;
            }

            if (line == "return")
            {
                return 0;
            }

            Console.WriteLine(line is "join" or "disjoin" ? Rejoin(kernel, mapping) : Act(line, roster, mapping));
        }

        return 0;
    }

    /// <summary>What is done without a seat, or by a program of its own.</summary>
    private static bool RunAlone(string command, string[] arguments, MemoryMapping mapping)
    {
        switch (command)
        {
            case "posix-mutex":
                using (PosixMutex.At(mapping, 4096).Enter())
                {
                    Console.WriteLine("held");
                    Console.ReadLine();
                }

                return true;
            case "posix-act":
                PosixVictim.Run(mapping, arguments[1]);
                return true;
            case "without-seats" or "without-seats-or-wakes":
                WithoutSeats.Run(mapping, losesWakes: command == "without-seats-or-wakes");
                return true;
            case "work":
                Storming.Work(mapping);
                return true;
            case "serve" or "serve-alone":
                Serving.Run(mapping, isAlone: command == "serve-alone");
                return true;
            case "refused":
                Serving.ReportRefused(mapping);
                return true;
            case "scribble":
                Scribbling.Scribble(mapping);
                return true;
            case "struggle":
                Scribbling.Struggle(mapping);
                return true;
            default:
                return false;
        }
    }

    private static int RunNamed(string command, string name)
    {
        if (command == "named-take")
        {
            using var semaphore = NamedSemaphore.OpenExisting(name);
            semaphore.WaitOne();
            Console.WriteLine("taken");
            Console.ReadLine();
            return 0;
        }

        if (command == "named-restart")
        {
            Console.WriteLine("ready");
            Console.ReadLine();
            using var restarted = NamedMutex.OpenOrCreate(name, out _);
            Console.WriteLine("open");
            using var hold = restarted.Lock.EnterUnrepaired();
            Console.WriteLine("held");
            Console.ReadLine();
            return 0;
        }

        if (command == "named-enter")
        {
            using var opened = NamedMutex.OpenExisting(name);
            Console.WriteLine(opened.WaitOne(0) ? "entered" : "taken");
            try
            {
                opened.WaitOne();
                Console.WriteLine("entered");
            }
            catch (OwnerDiedException)
            {
                Console.WriteLine("abandoned");
            }

            return 0;
        }

        using var mutex = NamedMutex.OpenOrCreate(name, out _, new() { Lifetime = command == "named-keep" ? Lifetime.Keep : Lifetime.UnlinkOnLastDispose });
        mutex.WaitOne();
        Console.WriteLine("held");
        Console.ReadLine();
        return 0;
    }

    private static Roster? s_roster;

    private static string Rejoin(KillingKernel kernel, MemoryMapping mapping)
    {
        if (s_roster is { } roster)
        {
            roster.Dispose();
            s_roster = null;
            return "left";
        }

        s_roster = Roster.Join(kernel, mapping, Memory.OneSeat, 1, null);
        return "joined";
    }

    private static MutexHold s_mutex;
    private static ReadHold s_read;
    private static WriteHold s_write;

    private static string Act(string line, Roster roster, MemoryMapping mapping)
    {
        switch (line)
        {
            case "enter":
                s_mutex = SharedMutex.At(roster, Memory.Mutex).EnterUnrepaired();
                return s_mutex.OwnerDied ? "after a death" : "entered";
            case "leave":
                s_mutex.Dispose();
                return "left";
            case "consistent":
                s_mutex.MarkConsistent();
                return "consistent";
            case "read":
                s_read = SharedReaderWriterLock.At(roster, Memory.ReaderWriter).EnterRead();
                return "reading";
            case "unread":
                s_read.Dispose();
                return "left";
            case "write":
                s_write = SharedReaderWriterLock.At(roster, Memory.ReaderWriter).EnterWriteUnrepaired();
                return "writing";
            case "unwrite":
                s_write.Dispose();
                return "left";
            case "take":
                SharedSemaphore.ReturningAt(roster, Memory.Returning, 3).Wait();
                return "taken";
            case "give":
                return $"{SharedSemaphore.ReturningAt(roster, Memory.Returning, 3).Release()}";
            case "wait-semaphore":
                SharedSemaphore.Open(mapping, Memory.Semaphore).Wait();
                return "taken";
            case "release":
                return $"{SharedSemaphore.Open(mapping, Memory.Semaphore).Release(2)}";
            case "set":
                SharedEvent.Open(mapping, Memory.Event).Set();
                return "set";
            case "wait-event":
                SharedEvent.Open(mapping, Memory.Event).Wait();
                return "set";
            case "notify":
                return SharedEventCount.At(roster, Memory.EventCount).NotifyAll().ToString();
            case "wait-count":
                return Serving.WaitForCount(roster);
            case "arrive":
                return SharedBarrier.At(roster, Memory.Barrier, 3).SignalAndWait().ToString();
            case "once":
                return SharedOnce.At(roster, Memory.Once).Run(() =>
                {
                    Console.WriteLine("inside");
                    Console.ReadLine();
                }).ToString();
            default:
                return Ends.Act(line, roster, mapping);
        }
    }
}
