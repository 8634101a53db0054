using System.Globalization;

namespace Posix.SharedMemory.Threading.Benchmarks;

/// <summary>Measures acts in turns, so that what else the machine does meets all of them, and compares each with each within a round.</summary>
internal sealed class Rounds(int count, params (string Name, Action<int> Repeat)[] acts)
{
    private const int Times = 41;

    private readonly double[][] _times = [.. acts.Select(_ => new double[Times])];
    private readonly long[] _allocated = new long[acts.Length];

    /// <summary>Processor nanoseconds of one act: the median of the rounds.</summary>
    internal double Median(string name) => Statistics.Median(_times[Find(name)]);

    /// <summary>The median over the rounds of one act's time divided by another's.</summary>
    internal double Ratio(string name, string baseline) => Statistics.Median(_times[Find(name)].Zip(_times[Find(baseline)], (time, other) => time / other));

    internal Rounds Run()
    {
        for (var round = -1; round < Times; round++)
        {
            for (var i = 0; i < acts.Length; i++)
            {
                // Each comes first as often as last.
                var act = round % 2 == 0 ? i : acts.Length - 1 - i;
                var before = GC.GetAllocatedBytesForCurrentThread();
                var time = Clock.Time(acts[act].Repeat, count).Processor / count;
                if (round >= 0)
                {
                    _times[act][round] = time;
                    _allocated[act] = GC.GetAllocatedBytesForCurrentThread() - before;
                }
            }
        }

        return this;
    }

    internal IEnumerable<string> Table()
    {
        yield return "| act | processor ns, median | least | most | B per act |";
        yield return "|---|---|---|---|---|";
        for (var i = 0; i < acts.Length; i++)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"| {acts[i].Name} | {Statistics.Median(_times[i]):F1} | {_times[i].Min():F1} | {_times[i].Max():F1} | {(double)_allocated[i] / count:F2} |");
        }

        yield return "";
    }

    private int Find(string name) => Array.FindIndex(acts, act => act.Name == name);
}
