using Posix.SharedMemory.Threading.Benchmarks;

// The other process of a question is this program too.
if (args is ["peer", var role, var name, var argument])
{
    return Peer.Act(role, name, argument);
}

(string Name, Func<IEnumerable<string>> Ask)[] questions =
[
    (nameof(Uncontended), Uncontended.Ask),
    (nameof(Contended), Contended.Ask),
    (nameof(Fairness), Fairness.Ask),
    (nameof(HandOver), HandOver.Ask),
    (nameof(DeathToEntry), DeathToEntry.Ask),
    (nameof(Reading), Reading.Ask),
    (nameof(Idle), Idle.Ask),
    (nameof(Joining), Joining.Ask),
];
foreach (var (question, ask) in questions.Where(question => args.Length == 0 || args.Contains(question.Name, StringComparer.Ordinal)))
{
    Console.WriteLine($"\n### {question}\n");
    foreach (var line in ask())
    {
        Console.WriteLine(line);
    }
}

return 0;
