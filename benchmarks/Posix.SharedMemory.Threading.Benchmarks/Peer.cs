using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Threading.Benchmarks;

/// <summary>The other process.</summary>
internal static class Peer
{
    internal static Process Start(string role, string name, long argument) => Process.Start(new ProcessStartInfo(
        Environment.ProcessPath!, ["peer", role, name, argument.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false })!;

    internal static long Read(Process process) => long.Parse(process.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);

    internal static int Act(string role, string name, string argument)
    {
        if (role == "named")
        {
            using var named = new Mutex(initiallyOwned: false, name);
            Answer(Pairs(() =>
            {
                named.WaitOne();
                named.ReleaseMutex();
            }, argument));
            return 0;
        }

        using var place = Place.Open(name);
        var mutex = SharedMutex.At(place.Roster, Place.Mutex);
        switch (role)
        {
            case "contend":
                Answer(Pairs(() => mutex.Enter().Dispose(), argument));
                break;
            case "read":
                var readerWriter = SharedReaderWriterLock.At(place.Roster, Place.ReaderWriter);
                Answer(Pairs(() => readerWriter.EnterRead().Dispose(), argument));
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
            default:
                return 2;
        }

        return 0;
    }

    /// <summary>Makes pairs for so many milliseconds, after a line that says to begin.</summary>
    internal static long Pairs(Action pair, string milliseconds)
    {
        for (var i = 0; i < 10_000; i++)
        {
            pair();
        }

        Answer(0);
        Console.ReadLine();
        return Count(pair, int.Parse(milliseconds, CultureInfo.InvariantCulture));
    }

    internal static long Count(Action pair, int milliseconds)
    {
        var count = 0L;
        for (var end = Stopwatch.GetTimestamp() + (milliseconds * Stopwatch.Frequency / 1000); Stopwatch.GetTimestamp() < end; count += 100)
        {
            for (var i = 0; i < 100; i++)
            {
                pair();
            }
        }

        return count;
    }

    private static void Answer(long number) => Console.WriteLine(number.ToString(CultureInfo.InvariantCulture));
}
