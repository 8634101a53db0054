using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Campaign;

/// <summary>The time, the chance, the names and the findings of one campaign.</summary>
internal sealed class Session : IDisposable
{
    private const int MostViolations = 20;

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly TimeSpan _duration;
    private readonly string _repeat;
    private readonly Lock _lock = new();
    private readonly HashSet<string> _skipped = new(StringComparer.Ordinal);

    /// <summary>Starts the clock.</summary>
    /// <param name="campaign">What it is called.</param>
    /// <param name="seed">Of the whole run.</param>
    /// <param name="duration">How long rounds are started.</param>
    internal Session(string campaign, int seed, TimeSpan duration)
    {
        _duration = duration;
        _repeat = string.Create(CultureInfo.InvariantCulture, $"--only {campaign} --seed {seed}");
        Seed = seed;
        Prefix = SharedMemoryObject.CreateUniqueName("camp") + "-";
    }

    internal int Seed { get; }

    /// <summary>Gets what all names that the campaign makes in /dev/shm begin with.</summary>
    internal string Prefix { get; }

    /// <summary>Gets the number of the round.</summary>
    internal int Round { get; private set; }

    /// <summary>Gets what was done, in the order in which it was first done.</summary>
    internal OrderedDictionary<string, long> Figures { get; } = [];

    /// <summary>Gets what was found that may not be.</summary>
    internal List<string> Violations { get; } = [];

    /// <summary>Gets or sets whether violations are wanted, and not told.</summary>
    internal bool Silent { get; init; }

    /// <summary>Gets whether the time is up, or enough has been found.</summary>
    internal bool IsOver => _clock.Elapsed >= _duration || Violations.Count >= MostViolations;

    /// <summary>The rounds: at least some, then for as long as there is time. Each has a chance of its own, by the seed and its number.</summary>
    internal IEnumerable<Random> Rounds(int atLeast = 1)
    {
        for (; (Round < atLeast || _clock.Elapsed < _duration) && Violations.Count < MostViolations; Round++)
        {
            yield return new Random(unchecked((Seed * 31) + (Round * 486_187_739)));
        }
    }

    internal void Count(string figure, long number = 1)
    {
        lock (_lock)
        {
            Figures[figure] = Figures.GetValueOrDefault(figure) + number;
        }
    }

    /// <summary>Says once what cannot be done here.</summary>
    internal void Skip(string what)
    {
        lock (_lock)
        {
            if (_skipped.Add(what) && !Silent)
            {
                Console.WriteLine($"  SKIPPED: {what.TrimEnd()}");
            }
        }
    }

    /// <summary>Reports something that must not happen, and how to repeat it.</summary>
    internal void Violate(string what)
    {
        lock (_lock)
        {
            Violations.Add(what);
            if (!Silent)
            {
                Console.WriteLine($"  VIOLATION ({_repeat}, round {Round}): {what}");
            }
        }
    }

    /// <summary>Whatever the campaign left goes.</summary>
    public void Dispose()
    {
        foreach (var path in Leftovers.Paths(Prefix))
        {
            TemporaryName.Of(Path.GetFileName(path)).Dispose();
        }
    }
}
