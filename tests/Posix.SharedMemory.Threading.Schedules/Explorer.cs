using System.Globalization;

namespace Posix.SharedMemory.Threading.Schedules;

/// <summary>Runs a scenario in many schedules.</summary>
internal static class Explorer
{
    /// <summary>How many schedules a scenario gets: SCHEDULES asks for more, by hand.</summary>
    internal static int Schedules { get; } = int.Parse(System.Environment.GetEnvironmentVariable("SCHEDULES") ?? "100", CultureInfo.InvariantCulture);

    /// <summary>With which seed they begin: SCHEDULE_SEED repeats one that was reported.</summary>
    internal static int FirstSeed { get; } = int.Parse(System.Environment.GetEnvironmentVariable("SCHEDULE_SEED") ?? "1", CultureInfo.InvariantCulture);

    /// <summary>Runs schedules until one goes wrong.</summary>
    /// <returns>What went wrong, with all that led to it; null: nothing did.</returns>
    internal static string? Explore(Func<Scenario> scenario, int schedules, int firstSeed)
    {
        using var arena = new Arena();
        for (var seed = firstSeed; seed < firstSeed + schedules; seed++)
        {
            if (Run(scenario(), seed, arena).Failure is { } failure)
            {
                return failure;
            }
        }

        return null;
    }

    internal static (string? Failure, Schedule Schedule) Run(Scenario scenario, int seed, Arena arena)
    {
        var schedule = new Schedule(seed, arena);
        scenario.Begin(schedule);
        try
        {
            var failure = schedule.Run();
            return (failure ?? (scenario.Judge() is { } wrong ? $"Seed {seed}: {wrong}\n" : null), schedule);
        }
        finally
        {
            scenario.End();
        }
    }
}
