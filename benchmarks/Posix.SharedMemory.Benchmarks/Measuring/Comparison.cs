namespace Posix.SharedMemory.Benchmarks;

/// <summary>Runs the candidates of a question by turns in one session, so that a noisy machine is noisy to all of them.</summary>
internal static class Comparison
{
    private const int MostRounds = 21;
    private const int FewestRounds = 7;
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(0.7);
    private static readonly TimeSpan s_round = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan s_category = TimeSpan.FromSeconds(8);

    /// <summary>Measures every category of a question against its baseline and prints a table of each.</summary>
    internal static void Run(Question question, Results results)
    {
        foreach (var session in question.Sessions())
        {
            using (session)
            {
                try
                {
                    session.SetUp();
                }
                catch (PlatformNotSupportedException e)
                {
                    var line = $"SKIPPED {Results.Key(question.Name, session.Label)}: {e.Message}";
                    results.Skipped.Add(line);
                    Console.WriteLine($"{line}\n");
                    continue;
                }

                foreach (var category in session.Candidates.GroupBy(candidate => candidate.Category, StringComparer.Ordinal))
                {
                    Measure([.. category]);
                    var comparison = Compared.From(question.Name, session.Label, category.Key, [.. category]);
                    results.Comparisons.Add(comparison);
                    Console.WriteLine(Table.Of(comparison));
                }
            }
        }
    }

    private static void Measure(List<Candidate> candidates)
    {
        var round = TimeSpan.Zero;
        foreach (var candidate in candidates)
        {
            round += candidate.WarmUp(s_warmUp, s_round);
        }

        var rounds = Math.Clamp((int)(s_category / round), FewestRounds, MostRounds);
        for (var i = 0; i < rounds; i++)
        {
            // Whoever comes first in a round comes last in the next.
            for (var turn = 0; turn < candidates.Count; turn++)
            {
                candidates[(i + turn) % candidates.Count].Measure();
            }
        }
    }
}
