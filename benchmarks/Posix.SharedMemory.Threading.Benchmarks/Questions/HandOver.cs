using System.Diagnostics;

namespace Posix.SharedMemory.Threading.Benchmarks;

/// <summary>How long does it take from leaving to the entry of a sleeper in another process?</summary>
internal static unsafe class HandOver
{
    private const int Times = 400;

    internal static IEnumerable<string> Ask()
    {
        var c = CBaseline.Load("locks");
        ((delegate* unmanaged<void>)c["set_up"])();
        var times = new long[Times];
        fixed (long* results = times)
        {
            ((delegate* unmanaged<long, long, long*, void>)c["hand_over"])(0, Times, results);
        }

        var theirs = times.Select(time => time / 1e3).ToArray();
        var ours = new double[Times];
        using var place = Place.Create();
        var mutex = SharedMutex.At(place.Roster, Place.Mutex);
        using var peer = Peer.Start("sleep", place.Name, Times);
        for (var i = 0; i < Times; i++)
        {
            var hold = mutex.Enter();
            peer.StandardInput.WriteLine();
            peer.StandardInput.Flush();
            while (place.Mapping.GetReference<uint>(Place.Mutex) >> 31 == 0)
            {
                Thread.Sleep(0);
            }

            Thread.Sleep(1);
            place.Number(0) = Stopwatch.GetTimestamp();
            hold.Dispose();
            Peer.Read(peer);
            ours[i] = (place.Number(1) - place.Number(0)) * 1e6 / Stopwatch.Frequency;
        }

        return
        [
            "| microseconds | count | p50 | p90 | p99 | most |", "|---|---|---|---|---|---|",
            Judged.Percentiles("futex mutex in C", theirs), Judged.Percentiles("SharedMutex", ours), "",
            Judged.Head,
            Judged.AtMost("hand-over to a sleeper, p50, × futex mutex in C", Judged.At(ours, 0.5) / Judged.At(theirs, 0.5), 1.4),
        ];
    }
}
