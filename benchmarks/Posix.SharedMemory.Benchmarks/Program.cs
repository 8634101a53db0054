using System.Globalization;
using BenchmarkDotNet.Running;
using Posix.SharedMemory.Benchmarks;

const string Usage = """
    usage: compare                          all questions, in under fifteen minutes; writes docs/benchmarks.md and its plots
           compare QUESTION…                only these; prints, and writes nothing
           report                           writes document and plots again from the numbers of the last run of all questions
           bdn [ARGUMENTS]                  BenchmarkDotNet, with its own arguments
           repeat QUESTION CANDIDATE COUNT  one candidate alone, for strace and perf
    """;
const int Interrupted = 130;

using var interruption = new Interruption();
try
{
    switch (args)
    {
        case ["bdn", .. var rest]:
            BenchmarkSwitcher.FromAssembly(typeof(ObjectLife).Assembly).Run(rest);
            return 0;
        case ["compare", .. var names] when names.All(name => Question.All.Any(question => question.Name == name)):
            return Compare(names);
        case ["report"]:
            Tell(new Report(new()).WriteAgain());
            return 0;
        case ["repeat", var name, var candidate, var count]:
            var repetitions = int.Parse(count, CultureInfo.InvariantCulture);
            if (Question.All.Where(question => question.Name == name).SelectMany(question => question.Sessions()).ToList() is { Count: > 0 } sessions
                && Array.TrueForAll([.. sessions], session => Repeat(session, candidate, repetitions)))
            {
                return 0;
            }

            break;
        default:
            break;
    }
}
catch (InvalidOperationException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
catch (OperationCanceledException e)
{
    Console.Error.WriteLine(e.Message);
    return Interrupted;
}

Console.Error.WriteLine(Usage);
Console.Error.WriteLine($"questions: {string.Join(' ', Question.All.Select(question => question.Name).Distinct(StringComparer.Ordinal))}");
return 2;

static int Compare(string[] names)
{
    var repository = new Repository();
    // What is wrong in the report is found before the minutes of measuring, not after them.
    var report = new Report(repository);
    var busy = Circumstances.BusyTime();
    var results = new Results(Circumstances.Now(repository));
    foreach (var question in Question.All.Where(question => names.Length == 0 || names.Contains(question.Name, StringComparer.Ordinal)))
    {
        Comparison.Run(question, results);
    }

    results = results with { Circumstances = results.Circumstances.Ended(busy) };
    Console.WriteLine(results.Circumstances.Describe());
    if (names.Length == 0)
    {
        Tell(report.Write(results));
    }

    var broken = results.BrokenPromises.ToList();
    broken.ForEach(Console.Error.WriteLine);
    return broken.Count == 0 ? 0 : 1;
}

static void Tell(IReadOnlyList<string> files) => Console.WriteLine($"written: {string.Join(' ', files)}");

static bool Repeat(Session session, string name, int count)
{
    using (session)
    {
        session.SetUp();
        var found = session.Candidates.FirstOrDefault(candidate => candidate.Name == name);
        found?.Repeat(count);
        return found is not null;
    }
}
