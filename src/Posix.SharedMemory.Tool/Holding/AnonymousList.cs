using System.Text;

namespace Posix.SharedMemory.Tool;

/// <summary>Memory without a name (memfds, and objects that were unlinked), found through the processes that hold it: <c>shm ls --anonymous</c>.</summary>
internal static class AnonymousList
{
    internal static void Print(Terminal terminal, bool isJson, Func<long, string> size)
    {
        var all = SharedMemoryDirectory.EnumerateUnnamed();
        var found = all
            .OrderBy(memory => memory.Holders.Count == 0 ? 0 : memory.Holders[0].ProcessId).ThenBy(memory => memory.Identity.Inode).ToList();
        if (isJson)
        {
            IReadOnlyList<AnonymousFacts> facts = [.. found.Select(AnonymousFacts.Of), .. all.IsComplete ? [] : (IEnumerable<AnonymousFacts>)[AnonymousFacts.Unseen(all)]];
            JsonFacts.Write(terminal, facts, json => json.IReadOnlyListAnonymousFacts);
            return;
        }

        var table = new Table(
            new("PID", IsNumber: true), new("FD", IsNumber: true), new("USER", Spare: 1), new("LENGTH", IsNumber: true), new("ALLOCATED", IsNumber: true, Spare: 3), new("COMMAND", Spare: 2), new("NAME"));
        foreach (var memory in found)
        {
            foreach (var holder in memory.Holders)
            {
                table.Add(
                    holder.ProcessId, holder.Descriptors.Count == 0 ? new Cell("mapped", Ink.Dim) : holder.Descriptors[0].Number, holder.UserId is { } user ? Accounts.Users.NameOf(user) : "?",
                    memory.Status is { } status ? size(status.Length) : "?", memory.Status is { } told ? size(told.AllocatedBytes) : "?", EscapedText.Of(holder.Command),
                    EscapedText.OfName(Encoding.UTF8.GetBytes(memory.DebugName)) + (memory.IsUnlinked ? " (unlinked)" : ""));
            }
        }

        if (found.Count > 0)
        {
            table.WriteTo(terminal);
        }

        terminal.Out.Write(terminal.Paint($"{ByteSize.Count(found.Count, "object")} without a name{(all.IsComplete ? "" : " found")}, {Sum(found, size)} allocated", Ink.Dim) + "\n");
        if (!all.IsComplete)
        {
            terminal.Out.Write(terminal.Paint(Doubt(all.UnreadableProcessIds), Ink.Dim) + "\n");
        }
    }

    /// <summary>How much memory was found, where a part of it may be of an unknown length.</summary>
    private static string Sum(List<UnnamedMemory> found, Func<long, string> size)
    {
        var known = found.Select(memory => memory.Status?.AllocatedBytes).OfType<long>().ToList();
        return known.Count == found.Count ? size(known.Sum()) : known.Count == 0 ? "?" : $"at least {size(known.Sum())}";
    }

    private static string Doubt(IReadOnlyList<int> unreadable) => unreadable switch
    {
        [] => "Not every process of this machine can be seen from here; others may hold more.",
        [var only] => $"Process {only} could not be examined and may hold more.",
        { Count: var count } => $"{count} processes could not be examined and may hold more.",
    };
}
