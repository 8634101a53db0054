using System.Text;

namespace Posix.SharedMemory.Tool;

/// <summary>Memory without a name (memfds, and objects that were unlinked), found through the processes that hold it: <c>shm ls --anonymous</c>.</summary>
internal static class AnonymousList
{
    internal static void Print(Terminal terminal, bool isJson, Func<long, string> size)
    {
        var found = SharedMemoryDirectory.EnumerateUnnamed()
            .OrderBy(memory => memory.Holders.Count == 0 ? 0 : memory.Holders[0].ProcessId).ThenBy(memory => memory.Identity.Inode).ToList();
        if (isJson)
        {
            JsonFacts.Write(terminal, (IReadOnlyList<AnonymousFacts>)found.ConvertAll(AnonymousFacts.Of), json => json.IReadOnlyListAnonymousFacts);
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

        var sum = found.Sum(memory => memory.Status?.AllocatedBytes ?? 0);
        terminal.Out.Write(terminal.Paint($"{ByteSize.Count(found.Count, "object")} without a name, {size(sum)} allocated", Ink.Dim) + "\n");
    }
}
