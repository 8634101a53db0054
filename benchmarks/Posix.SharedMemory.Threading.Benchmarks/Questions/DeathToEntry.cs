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
        var ours = new double[Times];
        using var place = Place.Create();
        var mutex = SharedMutex.At(place.Roster, Place.Mutex);
        for (var i = 0; i < Times; i++)
        {
            using var owner = Peer.Start("hold", place.Name, 0);
            Peer.Read(owner);
            var entered = 0L;
            var sleeper = new Thread(() =>
            {
                using var hold = mutex.EnterUnrepaired();
                entered = Stopwatch.GetTimestamp();
                hold.MarkConsistent();
            });
            sleeper.Start();
            while (place.Mapping.GetReference<uint>(Place.Mutex) >> 31 == 0)
            {
                Thread.Sleep(0);
            }

            Thread.Sleep(3);
            var killed = Stopwatch.GetTimestamp();
            owner.Kill();
            sleeper.Join();
            owner.WaitForExit();
            ours[i] = (entered - killed) * 1e6 / Stopwatch.Frequency;
        }

        return
        [
            "| microseconds | count | p50 | p90 | p99 | most |", "|---|---|---|---|---|---|",
            Judged.Percentiles("pthread robust mutex in C, owner in C", theirs), Judged.Percentiles("SharedMutex, owner in .NET", ours), "",
            Judged.Head,
            Judged.AtMost("kill to entry, p50, × pthread robust in C", Judged.At(ours, 0.5) / Judged.At(theirs, 0.5), 2),
            Judged.AtMost("kill to entry, p99, × pthread robust in C", Judged.At(ours, 0.99) / Judged.At(theirs, 0.99), 1),
        ];
    }
}
