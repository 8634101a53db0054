using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Campaign;

/// <summary>Runs the campaigns one after another, and prints what they did in figures.</summary>
internal static class CampaignRun
{
    internal static IReadOnlyList<FaultCampaign> All { get; } =
        [new KillingAtRandom(), new KillingAtEachCall(), new KillingUnderTrace(), new FailingTwice(), new RefusingEachCall(), new RunningShort(), new Neighbours(), new Messages(), new Naming()];

    /// <returns>The exit code: 1 where something was found that may not be.</returns>
    internal static int Run(Settings settings)
    {
        var chosen = All.Where(campaign => settings.Only is null || campaign.Name == settings.Only).ToList();
        if (chosen.Count == 0)
        {
            Console.Error.WriteLine($"The campaigns are: {string.Join(' ', All.Select(campaign => campaign.Name))}");
            return 2;
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"seed {settings.Seed}, {settings.Duration.TotalSeconds:0} s, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}, {Environment.ProcessorCount} processors, {(Environment.IsPrivilegedProcess ? "as root" : "as an ordinary user")}"));
        var before = SharedMemoryDirectory.GetUsage();
        var clock = Stopwatch.StartNew();
        var shares = chosen.Sum(campaign => campaign.Share);
        var table = new List<string>();
        var violations = 0;
        foreach (var campaign in chosen)
        {
            Console.WriteLine($"{campaign.Name} …");
            if (campaign.Obstacle is { } obstacle)
            {
                Console.WriteLine($"  SKIPPED: {obstacle}");
                table.Add($"{campaign.Name}: skipped");
                continue;
            }

            using var session = new Session(campaign.Name, settings.Seed, settings.Duration * (campaign.Share / shares));
            RunOne(campaign, session);
            violations += session.Violations.Count;
            var figures = string.Join(", ", session.Figures.Select(figure => string.Create(CultureInfo.InvariantCulture, $"{figure.Value:N0} {figure.Key}")));
            table.Add(string.Create(CultureInfo.InvariantCulture, $"{campaign.Name}: {figures}; {session.Violations.Count} violations"));
        }

        Console.WriteLine();
        table.ForEach(Console.WriteLine);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{violations} violations in {clock.Elapsed.TotalSeconds:0} s, seed {settings.Seed}; used in /dev/shm before: {before.UsedBytes:N0} bytes, after: {SharedMemoryDirectory.GetUsage().UsedBytes:N0}"));
        return violations == 0 ? 0 : 1;
    }

    internal static void RunOne(FaultCampaign campaign, Session session)
    {
        try
        {
            campaign.Run(session);
        }
        catch (Exception e)
        {
            session.Violate($"the campaign itself ended by {e}");
        }
    }
}
