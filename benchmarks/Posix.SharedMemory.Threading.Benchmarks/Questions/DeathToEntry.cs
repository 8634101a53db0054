using System.Diagnostics;

namespace Posix.SharedMemory.Threading.Benchmarks;

/// <summary>How long does it take from <c>kill -9</c> of an owner to the entry of a sleeper?</summary>
internal static unsafe class DeathToEntry
{
    private const int Times = 100;

    internal static IEnumerable<string> Ask()
    {
        var c = CBaseline.Load("locks");
        ((delegate* unmanaged<void>)c["set_up"])();
        var times = new long[Times];
        fixed (long* results = times)
        {
            ((delegate* unmanaged<long, long, long*, void>)c["hand_over"])(1, Times, results);
        }

        var theirs = times.Select(time => time / 1e3).ToArray();
        using var place = Place.Create();
        var mutex = SharedMutex.At(place.Roster, Place.Mutex);
        var ours = Kills(place, "hold", () => place.Mapping.GetReference<uint>(Place.Mutex) >> 31 != 0, () =>
        {
            using var hold = mutex.EnterUnrepaired();
            var entered = Stopwatch.GetTimestamp();
            hold.MarkConsistent();
            return entered;
        });
        // The sleeper sets bit 31 of the word, which is the first of glibc's mutex.
        var posix = Kills(place, "hold-posix", () => place.Mapping.GetReference<uint>(Place.Posix) >> 31 != 0, () =>
        {
            using var hold = PosixMutex.At(place.Mapping, Place.Posix).EnterUnrepaired();
            var entered = Stopwatch.GetTimestamp();
            hold.MarkConsistent();
            return entered;
        });

        return
        [
            "| microseconds | count | p50 | p90 | p99 | most |", "|---|---|---|---|---|---|",
            Judged.Percentiles("pthread robust mutex in C, owner in C", theirs), Judged.Percentiles("pthread robust mutex (PosixMutex), owner in .NET", posix),
            Judged.Percentiles("SharedMutex, owner in .NET", ours), "",
            Judged.Head,
            Judged.AtMost("kill to entry, p50, × pthread robust in C", Judged.At(ours, 0.5) / Judged.At(theirs, 0.5), 2),
            Judged.AtMost("kill to entry, p99, × pthread robust in C", Judged.At(ours, 0.99) / Judged.At(theirs, 0.99), 1),
            Judged.AtMost("kill to entry, p50, × pthread robust with an owner in .NET", Judged.At(ours, 0.5) / Judged.At(posix, 0.5), 2),
            Judged.AtMost("kill to entry, p99, × pthread robust with an owner in .NET", Judged.At(ours, 0.99) / Judged.At(posix, 0.99), 1),
        ];
    }

    private static double[] Kills(Place place, string role, Func<bool> sleeps, Func<long> enter)
    {
        var times = new double[Times];
        for (var i = 0; i < Times; i++)
        {
            using var owner = Peer.Start(role, place.Name, 0);
            Peer.Read(owner);
            var entered = 0L;
            var sleeper = new Thread(() => entered = enter());
            sleeper.Start();
            while (!sleeps())
            {
                Thread.Sleep(0);
            }

            Thread.Sleep(3);
            var killed = Stopwatch.GetTimestamp();
            owner.Kill();
            sleeper.Join();
            owner.WaitForExit();
            times[i] = (entered - killed) * 1e6 / Stopwatch.Frequency;
        }

        return times;
    }
}
