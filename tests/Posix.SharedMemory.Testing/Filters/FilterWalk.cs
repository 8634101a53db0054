using System.Globalization;

namespace Posix.SharedMemory.Testing;

/// <summary>
/// Walks every operation behind filters that refuse each of its calls with each error. Runs in a process of its own, in which nothing else may happen, and prints what is wrong.
/// </summary>
public static class FilterWalk
{
    private static readonly Errno[] s_errors = [Errno.ENOSYS, Errno.EPERM, Errno.EINVAL];

    /// <summary>Calls that the base library makes for this one, where it reads /proc: nobody counts them.</summary>
    private static readonly string[] s_ofTheBaseLibrary = ["newfstatat", "fstat", "readlink", "pread", "flock"];

    /// <summary>What the process does that walks: <c>FIRST SEED ONE-IN [ONLY]</c>, from the first operation on, one case of so many, at random; none with 0. Only one operation, where it is named.</summary>
    public static void Act(string[] arguments)
    {
        var first = int.Parse(arguments[0], CultureInfo.InvariantCulture);
        var random = new Random(int.Parse(arguments[1], CultureInfo.InvariantCulture));
        var oneIn = int.Parse(arguments[2], CultureInfo.InvariantCulture);
        var only = arguments.ElementAtOrDefault(3);
        LoadAll();
        var (worked, advised) = (0, 0);
        for (var at = first; at < WalkedVerbs.All.Count; at++)
        {
            var verb = WalkedVerbs.All[at];
            if (only is not null && verb.Name != only)
            {
                continue;
            }

            Say($"verb {at} {verb.Name}");
            var undisturbed = Rehearse(verb);
            if (undisturbed.Thrown is { } thrown)
            {
                Say($"complaint {verb.Name} fails without a filter: {thrown}");
                continue;
            }

            foreach (var unknown in undisturbed.Calls.Distinct(StringComparer.Ordinal).Where(made => !FilteredCall.All.Any(call => call.Refuses(made))))
            {
                Say($"complaint {verb.Name} makes the call {unknown}, which is not in FilteredCall.All");
            }

            var ahead = new Queue<FilterCell>(CellsOf(verb, undisturbed).Where(_ => oneIn > 0 && random.Next(oneIn) == 0));
            while (ahead.TryDequeue(out var cell))
            {
                Say($"cell {cell}");
                var outcome = FilterOutcome.Of(cell.Verb, cell.Calls, cell.Errno);
                if (FilterVerdict.Complain(cell, outcome, undisturbed) is { } complaint)
                {
                    Say($"complaint {cell}: {complaint.ReplaceLineEndings(" | ")}");
                }

                (worked, advised) = outcome.Thrown is null ? (worked + 1, advised) : (worked, advised + 1);
                if (ThreadFilter.HasSpread())
                {
                    Say($"complaint {cell}: a thread that outlives the operation was started behind the filter");
                    break;
                }

                foreach (var second in SecondWaysOf(cell, outcome, undisturbed))
                {
                    ahead.Enqueue(second);
                }
            }
        }

        Say($"done {worked} {advised}");
    }

    /// <summary>The operation without a filter, twice, so that everything the runtime does once is done.</summary>
    private static FilterOutcome Rehearse(WalkedVerb verb)
    {
        _ = FilterOutcome.Of(verb, [], default);
        return FilterOutcome.Of(verb, [], default);
    }

    private static IEnumerable<FilterCell> CellsOf(WalkedVerb verb, FilterOutcome undisturbed) =>
        from call in FilteredCall.All
        where undisturbed.Calls.Any(call.Refuses) || (verb.Members.Length > 0 && s_ofTheBaseLibrary.Contains(call.Name))
        from errno in s_errors
        select new FilterCell(verb, [call], errno);

    /// <summary>The calls that are made only because another is refused are refused as well.</summary>
    private static IEnumerable<FilterCell> SecondWaysOf(FilterCell cell, FilterOutcome outcome, FilterOutcome undisturbed) => cell.Calls.Count > 1
        ? []
        : from call in FilteredCall.All
          where call.Family != cell.Calls[0].Family && outcome.Calls.Except(undisturbed.Calls, StringComparer.Ordinal).Any(call.Refuses)
          select cell with { Calls = [.. cell.Calls, call] };

    private static void Say(string line) => Console.WriteLine(line);

    /// <summary>What may be needed behind a filter is loaded before there is one.</summary>
    private static void LoadAll()
    {
        var loaded = new HashSet<string>(StringComparer.Ordinal);
        var ahead = new Stack<System.Reflection.Assembly>([typeof(FilterWalk).Assembly]);
        while (ahead.TryPop(out var assembly))
        {
            foreach (var name in assembly.GetReferencedAssemblies().Where(name => loaded.Add(name.FullName)))
            {
                ahead.Push(System.Reflection.Assembly.Load(name));
            }
        }

        try
        {
            SharedMemoryObject.Unlink(new string('x', 300));
        }
        catch (SharedMemoryException e)
        {
            _ = e.ToString();
        }
    }
}
