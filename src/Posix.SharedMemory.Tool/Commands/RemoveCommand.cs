using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm rm</c>.</summary>
internal sealed class RemoveCommand : ShmCommand
{
    private const int NamesInQuestion = 5;

    private readonly Argument<NamePattern[]> _names = new("NAME")
    {
        Description = "The objects, or patterns with * and ? (quoted, so that the shell leaves them alone)",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result => Given.Each(result, NamePattern.Read),
    };

    private readonly Option<bool> _ifUnused = Given.Flag("--if-unused", "Only if nobody has it open or mapped; else say who");
    private readonly Option<bool> _yes = Given.Yes("Remove all that patterns match, without asking");

    internal RemoveCommand()
        : base("rm", "Remove names. Who has an object open or mapped keeps it, and its memory, until he lets go.", "shm rm frames", "shm rm 'worker-*' --if-unused --yes")
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

        var index = given.GetValue(_ifUnused) ? HolderSearch.TryIndex() : null;
        foreach (var entry in matched)
        {
            isDone &= terminal.Try(EscapedText.OfName(entry.NameBytes.Span), () => Remove(given, entry, index));
        }

        foreach (var name in patterns.Where(pattern => pattern.IsOneName).Select(pattern => pattern.Name))
        {
            isDone &= terminal.Try(name, () => Remove(given, name, index));
        }

        return isDone ? ExitCode.Done : ExitCode.Failed;
    }

    private void Remove(ParseResult given, GivenName name, SharedMemoryHolderIndex? index)
    {
        if (given.GetValue(_ifUnused))
        {
            Remove(given, name.Find(), index);
        }
        else
        {
            name.Unlink();
        }
    }

    private void Remove(ParseResult given, SharedMemoryEntry entry, SharedMemoryHolderIndex? index)
    {
        if (given.GetValue(_ifUnused))
        {
            RefuseIfUsed(entry, index?[entry.Identity]);
        }

        entry.Unlink();
    }

    private static void RefuseIfUsed(SharedMemoryEntry entry, SharedMemoryHolders? holders)
    {
        if (holders is { Count: > 0 })
        {
            throw new CommandException($"held by {string.Join(", ", holders.Select(holder => $"{holder.ProcessId} ({EscapedText.Of(holder.Command)})"))}");
        }

        if (HolderCount.Of(entry, holders, mustBeCertain: true) is { IsZero: false } count)
        {
            if (SharedMemoryDirectory.Find(entry.NameBytes.Span)?.Identity != entry.Identity)
            {
                throw new SharedMemoryException(Errno.ENOENT, "shm_unlink", entry.Name);
            }

            throw new CommandException(count.IsHeld ? "held by a process that may not be looked into" : "it cannot be known whether anybody holds it");
        }
    }

    /// <summary>Asks; where nobody can answer, removing many needs to be asked for.</summary>
    private static bool MayRemove(List<SharedMemoryEntry> matched)
    {
        var names = string.Join(", ", matched.Take(NamesInQuestion).Select(entry => EscapedText.OfName(entry.NameBytes.Span))) + (matched.Count > NamesInQuestion ? ", …" : "");
        return Terminal.CanAsk
            ? Terminal.Ask($"Remove {matched.Count} objects ({names})?")
            : throw new UsageException($"{matched.Count} objects match ({names}): --yes removes them all");
    }
}
