using Posix.SharedMemory.Campaign;

// The fault campaign: dotnet run --project tests/Posix.SharedMemory.Campaign -- [--minutes N | --seconds N] [--seed N] [--only NAME] [--self-test]
// Started as `actor ROLE …` it is one of its own processes.
if (args is ["actor", var role, .. var rest])
{
    return Actor.Act(role, rest);
}

if (Settings.Parse(args) is not { } settings)
{
    Console.Error.WriteLine(Settings.Usage);
    return 2;
}

using var scratch = new Scratch();
return settings.SelfTest ? SelfTest.Run(settings) : CampaignRun.Run(settings);
