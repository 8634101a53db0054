using System.Globalization;

namespace Posix.SharedMemory.Campaign;

/// <summary>What this program does as one of its own processes. It ends with 0, by a signal that it was sent, or with an error that says what was wrong.</summary>
internal static class Actor
{
    private static readonly Dictionary<string, Action<string[]>> s_roles = new(StringComparer.Ordinal)
    {
        // Those that are killed and stopped at random.
        ["create"] = Crowd.Create,
        ["publish"] = Crowd.Publish,
        ["rename"] = Crowd.Rename,
        ["grow"] = Crowd.Grow,
        ["member"] = Crowd.Member,
        ["receive"] = Crowd.Receive,
        ["region"] = Crowd.Region,

        // Does one operation, and is killed or stopped before one of its calls.
        ["path"] = PathWalker.Walk,

        // Does one operation after another behind filters.
        ["filter-walk"] = FilterWalk.Act,

        // Works while the system runs short, or among neighbours; and a neighbour.
        ["work"] = Worker.Work,
        ["harm"] = Neighbour.Harm,
        ["lock"] = Locker.Lock,

        // Planted faults.
        ["faulty"] = Faulty.Act,
    };

    /// <summary>Gets the path of this program.</summary>
    internal static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.Campaign");

    internal static Peer Start(params string[] arguments) => Peer.Run(Program, ["actor", .. arguments]);

    internal static int Act(string role, string[] arguments)
    {
        if (!s_roles.TryGetValue(role, out var act))
        {
            Console.Error.WriteLine($"roles: {string.Join(' ', s_roles.Keys)}");
            return 2;
        }

        try
        {
            act(arguments);
            return 0;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine($"{role} {string.Join(' ', arguments)}: {e}");
            return 3;
        }
    }

    /// <summary>Says <c>ready</c>, and does something until its input ends or says a line. Says then how often it did.</summary>
    /// <param name="act">What is done, with the number of the round.</param>
    /// <param name="around">What runs all the rounds; by default nothing special does.</param>
    internal static void UntilTold(Action<int> act, Action<Action>? around = null)
    {
        var stop = Task.Factory.StartNew(Console.ReadLine, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Console.WriteLine("ready");
        var rounds = 0;
        (around ?? (all => all()))(() =>
        {
            while (!stop.IsCompleted)
            {
                act(rounds++);
            }
        });
        Console.WriteLine(rounds.ToString(CultureInfo.InvariantCulture));
    }

    internal static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    internal static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
