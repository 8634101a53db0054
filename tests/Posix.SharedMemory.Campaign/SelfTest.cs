namespace Posix.SharedMemory.Campaign;

/// <summary>Plants each fault that the campaigns look for, and checks that it is found: a campaign that finds nothing must be able to.</summary>
internal static class SelfTest
{
    internal static int Run(Settings settings)
    {
        var (found, missed) = (0, 0);
        foreach (var campaign in CampaignRun.All.Where(campaign => settings.Only is null || campaign.Name == settings.Only))
        {
            foreach (var fault in campaign.Planted)
            {
                if ((campaign.Obstacle ?? fault.Obstacle) is { } obstacle)
                {
                    Console.WriteLine($"  SKIPPED: {campaign.Name}: {fault.What}: {obstacle.TrimEnd()}");
                    continue;
                }

                using var session = new Session(campaign.Name, settings.Seed, TimeSpan.Zero) { Silent = true };
                fault.Plant(session);
                var first = session.Violations.FirstOrDefault();
                (found, missed) = first is null ? (found, missed + 1) : (found + 1, missed);
                Console.WriteLine($"{campaign.Name}: {fault.What}: {(first is null ? "NOT FOUND" : $"found: {first.Split('\n')[0]}")}");
            }
        }

        Console.WriteLine($"{found} planted faults found, {missed} missed");
        return missed == 0 && found > 0 ? 0 : 1;
    }
}
