using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Threading.Benchmarks;

/// <summary>The other process.</summary>
internal static class Peer
{
    private const int Hundred = 100;

    /// <param name="tiered">The runtime compiles as it does by default; otherwise, every method is optimized at once.</param>
    internal static Process Start(string role, string name, long argument, bool tiered = false)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["peer", role, name, argument.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        if (tiered)
        {
            start.Environment["DOTNET_TieredCompilation"] = "1";
        }

        return Process.Start(start)!;
    }

    internal static long Read(Process process) => long.Parse(process.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);

    internal static int Act(string role, string name, string argument)
    {
        if (role == "named")
        {
            using var named = new Mutex(initiallyOwned: false, name);
            Answer(Hundreds(() => Named(named), argument));
            return 0;
        }

        if (role == "join")
        {
            return Join(name);
        }

        using var place = Place.Open(name);
        var mutex = SharedMutex.At(place.Roster, Place.Mutex);
        switch (role)
        {
            case "contend":
                Answer(Hundreds(() => Entries(mutex), argument));
                break;
            case "compete":
                var (entries, longest) = Compete(mutex, int.Parse(argument, CultureInfo.InvariantCulture));
                Answer(entries);
                Answer(longest);
                break;
            case "read":
                var readerWriter = SharedReaderWriterLock.At(place.Roster, Place.ReaderWriter);
                Answer(Hundreds(() => Reads(readerWriter), argument));
                break;
            case "sleep":
                for (var i = 0; i < int.Parse(argument, CultureInfo.InvariantCulture); i++)
                {
                    Console.ReadLine();
                    using var hold = mutex.EnterUnrepaired();
                    place.Number(1) = Stopwatch.GetTimestamp();
                    hold.MarkConsistent();
                    Answer(0);
                }

                break;
            case "hold":
                _ = mutex.EnterUnrepaired();
                Answer(0);
                Thread.Sleep(Timeout.Infinite);
                break;
            case "hold-posix":
                using (PosixMutex.At(place.Mapping, Place.Posix).EnterUnrepaired())
                {
                    Answer(0);
                    Thread.Sleep(Timeout.Infinite);
                }

                break;
            default:
                return 2;
        }

        return 0;
    }

    private static int Join(string name)
    {
        var (elapsed, processor, compilation, methods) = Joining.First(name);
        Answer(elapsed);
        Answer(processor);
        Answer(compilation);
        Answer(methods);
        return 0;
    }

    /// <summary>A hundred entries, in one call, as the loop in C makes them.</summary>
    internal static void Entries(SharedMutex mutex)
    {
        for (var i = 0; i < Hundred; i++)
        {
            mutex.Enter().Dispose();
        }
    }

    /// <inheritdoc cref="Entries"/>
    internal static void Reads(SharedReaderWriterLock readerWriter)
    {
        for (var i = 0; i < Hundred; i++)
        {
            readerWriter.EnterRead().Dispose();
        }
    }

    /// <inheritdoc cref="Entries"/>
    internal static void Named(Mutex named)
    {
        for (var i = 0; i < Hundred; i++)
        {
            named.WaitOne();
            named.ReleaseMutex();
        }
    }

    internal static long Count(Action hundred, int milliseconds)
    {
        var count = 0L;
        for (var end = Stopwatch.GetTimestamp() + (milliseconds * Stopwatch.Frequency / 1000); Stopwatch.GetTimestamp() < end; count += Hundred)
        {
            hundred();
        }

        return count;
    }

    /// <summary>Enters, is inside for a microsecond, leaves, and enters again at once.</summary>
    /// <returns>How often, and the longest wait in microseconds.</returns>
    private static (long Entries, long Longest) Compete(SharedMutex mutex, int milliseconds)
    {
        Answer(0);
        Console.ReadLine();
        long entries = 0, longest = 0;
        var microsecond = Stopwatch.Frequency / 1_000_000;
        var end = Stopwatch.GetTimestamp() + (milliseconds * microsecond * 1000);
        while (true)
        {
            var before = Stopwatch.GetTimestamp();
            if (before > end)
            {
                return (entries, longest / microsecond);
            }

            using var hold = mutex.Enter();
            var inside = Stopwatch.GetTimestamp();
            longest = Math.Max(longest, inside - before);
            entries++;
            while (Stopwatch.GetTimestamp() - inside < microsecond)
            {
                // Inside.
            }
        }
    }

    /// <summary>Makes pairs for so many milliseconds, after a line that says to begin.</summary>
    private static long Hundreds(Action hundred, string milliseconds)
    {
        for (var i = 0; i < 100; i++)
        {
            hundred();
        }

        Answer(0);
        Console.ReadLine();
        return Count(hundred, int.Parse(milliseconds, CultureInfo.InvariantCulture));
    }

    private static void Answer(long number) => Console.WriteLine(number.ToString(CultureInfo.InvariantCulture));
}
