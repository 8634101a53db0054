using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm rm</c>.</summary>
internal sealed class RemoveCommand : ShmCommand
{
    private const int NamesInQuestion = 5;

    private readonly Argument<NamePattern[]> _names = new("NAME")
    {
        Description = "Names of objects, or patterns of * and ? (quoted, so that the shell does not expand them)",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result => Given.Each(result, NamePattern.Read),
    };

    private readonly Option<bool> _ifUnused = Given.Flag("--if-unused", "Remove an object only if no process has it open or mapped; otherwise print which do");
    private readonly Option<bool> _yes = Given.Yes("Remove everything that the patterns match, without asking");

    internal RemoveCommand()
        : base("rm", "Remove objects by name. A process that has one open or mapped can go on using it; its memory is freed when the last such process closes it.", "shm rm frames", "shm rm 'worker-*' --if-unused --yes")
    {
        Given.CompleteNames(_names);
        Add(_names);
        Add(_ifUnused);
        Add(_yes);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var patterns = given.GetRequiredValue(_names);
        var isDone = true;
        var matches = new HashSet<SharedMemoryEntry>();
        var all = patterns.All(pattern => pattern.IsOneName) ? [] : SharedMemoryDirectory.Enumerate().ToList();
        foreach (var pattern in patterns.Where(pattern => !pattern.IsOneName))
        {
            var found = all.FindAll(pattern.Matches);
            matches.UnionWith(found);
            if (found.Count == 0)
            {
                terminal.Fail($"{pattern}: no object matches");
                isDone = false;
            }
        }

        var matched = matches.ToList();
        matched.Sort((one, other) => one.NameBytes.Span.SequenceCompareTo(other.NameBytes.Span));
        if (matched.Count > 1 && !given.GetValue(_yes) && !MayRemove(matched))
        {
            return ExitCode.Failed;
        }

        var index = given.GetValue(_ifUnused) || Terminal.HasReader ? HolderSearch.TryIndex() : null;
        foreach (var entry in matched)
        {
            isDone &= terminal.Try(EscapedText.OfName(entry.NameBytes.Span), () => Remove(given, terminal, entry, index));
        }

        foreach (var name in patterns.Where(pattern => pattern.IsOneName).Select(pattern => pattern.Name))
        {
            isDone &= terminal.Try(name, () => Remove(given, terminal, name, index));
        }

        return isDone ? ExitCode.Done : ExitCode.Failed;
    }

    private void Remove(ParseResult given, Terminal terminal, GivenName name, SharedMemoryHolderIndex? index)
    {
        if (name.TryUnlinkLeftover())
        {
            return;
        }

        if (given.GetValue(_ifUnused) || Terminal.HasReader)
        {
            Remove(given, terminal, name.Find(), index);
        }
        else
        {
            name.Unlink();
        }
    }

    private void Remove(ParseResult given, Terminal terminal, SharedMemoryEntry entry, SharedMemoryHolderIndex? index)
    {
        if (given.GetValue(_ifUnused))
        {
            InUse.Refuse(entry, index?[entry.Identity]);
        }

        var users = Terminal.HasReader ? InUse.AfterItsName(entry, index?[entry.Identity]) : null;
        entry.Unlink();
        if (users is not null)
        {
            terminal.Note($"{EscapedText.OfName(entry.NameBytes.Span)}: {users}");
        }
    }

    /// <summary>Asks before removing several objects; without a terminal, --yes is needed.</summary>
    private static bool MayRemove(List<SharedMemoryEntry> matched)
    {
        var names = string.Join(", ", matched.Take(NamesInQuestion).Select(entry => EscapedText.OfName(entry.NameBytes.Span))) + (matched.Count > NamesInQuestion ? ", …" : "");
        return Terminal.CanAsk
            ? Terminal.Ask($"Remove {matched.Count} objects ({names})?")
            : throw new UsageException($"{matched.Count} objects match ({names}); use --yes to remove them all");
    }
}
