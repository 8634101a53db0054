namespace Posix.SharedMemory.Threading.Schedules;

/// <summary>Three processes wait for permits and give some back.</summary>
/// <param name="maximum">With one below 2³¹ − 1, giving back and waking are two steps.</param>
/// <param name="givesUp">One of them waits for a millisecond only.</param>
internal sealed class Counting(int maximum, bool givesUp) : Scenario
{
    private int _taken;
    private int _released;

    protected override void Prepare()
    {
        _ = SharedSemaphore.At(Processes[0].Mapping, Arena.Lock, 0, maximum);
        foreach (var process in Processes)
        {
            var waits = SharedSemaphore.Open(process.Mapping, Arena.Lock);
            Schedule.Add(process, $"waiter {process.Number}", () =>
            {
                if (givesUp && process.Number == 0)
                {
                    var has = waits.Wait(TimeSpan.FromMilliseconds(1));
                    _taken += has ? 1 : 0;
                }
                else
                {
                    waits.Wait();
                    _taken++;
                }
            });
            var releases = SharedSemaphore.Open(process.Mapping, Arena.Lock);
            Schedule.Add(process, $"giver {process.Number}", () =>
            {
                releases.Release();
                _released++;
            });
        }
    }

    internal override string? Judge()
    {
        var left = SharedSemaphore.Open(Processes[0].Mapping, Arena.Lock).CurrentCount;
        return _released - _taken == left ? null : $"{_released} permits were given back and {_taken} taken; {left} are there.";
    }
}
