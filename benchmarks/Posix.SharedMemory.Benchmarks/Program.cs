using System.Globalization;
using BenchmarkDotNet.Running;
using Posix.SharedMemory.Benchmarks;

const string Usage = """
    usage: compare [QUESTION…]              the candidates by turns in one session; all questions take minutes
           bdn [ARGUMENTS]                  BenchmarkDotNet, with its own arguments
           repeat QUESTION CANDIDATE COUNT  one candidate alone, for strace and perf
    """;

Question[] questions =
[
    new(typeof(ObjectLife)),
    new(typeof(AnonymousLife)),
    new(typeof(Passing)),
    new(typeof(ElementAccess<Bytes1>)),
    new(typeof(ElementAccess<Bytes4>)),
    new(typeof(ElementAccess<Bytes8>)),
    new(typeof(ElementAccess<Bytes64>)),
    new(typeof(Leasing)),
    new(typeof(CopyBandwidth)),
    new(typeof(MapAndUnmap)),
    new(typeof(Growth)),
    new(typeof(HugePages)),
];

try
{
    switch (args)
    {
        case ["bdn", .. var rest]:
            BenchmarkSwitcher.FromAssembly(typeof(ObjectLife).Assembly).Run(rest);
            return 0;
        case ["compare", .. var names] when names.All(name => questions.Any(question => question.Name == name)):
            foreach (var question in questions.Where(question => names.Length == 0 || names.Contains(question.Name, StringComparer.Ordinal)))
            {
                Comparison.Run(question);
            }

            return 0;
        case ["repeat", var name, var candidate, var count]:
            var repetitions = int.Parse(count, CultureInfo.InvariantCulture);
            if (questions.Where(question => question.Name == name).SelectMany(question => question.Sessions()).ToList() is { Count: > 0 } sessions
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

Console.Error.WriteLine(Usage);
Console.Error.WriteLine($"questions: {string.Join(' ', questions.Select(question => question.Name).Distinct(StringComparer.Ordinal))}");
return 2;

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
