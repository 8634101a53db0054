using System.Globalization;

namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>A process that does one thing with a POSIX mutex, on a thread that another program traces and kills.</summary>
internal static class PosixVictim
{
    /// <summary>Where the mutex is, where the tracer says that the thread may begin, and where the thread says that it has done it.</summary>
    internal const long Mutex = 4096, Go = 4096 + 1024, Done = Go + 64;

    private const long Rehearsal = 4096 + 256, RehearsalGo = Go + 128, RehearsalDone = Go + 192;

    internal static void Run(MemoryMapping mapping, string act)
    {
        // Elsewhere at first: what is compiled or resolved at its first use is not what is traced.
        var thread = new Thread(() =>
        {
            for (var i = 0; i < 40; i++)
            {
                if (act is "hand-back" or "repair")
                {
                    var heir = new Thread(() => _ = PosixMutex.At(mapping, Rehearsal).EnterUnrepaired());
                    heir.Start();
                    heir.Join();
                }

                Volatile.Write(ref mapping.GetReference<uint>(RehearsalGo), 1);
                Act(PosixMutex.At(mapping, Rehearsal), act, ref mapping.GetReference<uint>(RehearsalGo), ref mapping.GetReference<uint>(RehearsalDone), number: false);
            }

            Act(PosixMutex.At(mapping, Mutex), act, ref mapping.GetReference<uint>(Go), ref mapping.GetReference<uint>(Done), number: true);
            Thread.Sleep(Timeout.Infinite);
        });
        thread.Start();
        Console.ReadLine();
    }

    private static void Act(PosixMutex mutex, string act, ref uint go, ref uint done, bool number)
    {
        // Inside at the start, or at the end, or neither.
        using (var before = act is "leave" or "hand-back" ? mutex.EnterUnrepaired() : default)
        {
            if (number)
            {
                Console.WriteLine(Kernel.Current.GetThreadId().ToString(CultureInfo.InvariantCulture));
            }

            while (Volatile.Read(ref go) == 0)
            {
                // No call: each one counts.
            }

            if (act is "enter" or "repair")
            {
                using var hold = mutex.EnterUnrepaired();
                if (hold.OwnerDied)
                {
                    hold.MarkConsistent();
                }
            }
        }

        Volatile.Write(ref done, 1);
    }
}
