using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>Holders for people: a line for each mapping and each descriptor.</summary>
internal static class HolderTable
{
    /// <param name="count">How many there are, with what the kernel says.</param>
    internal static void Print(Terminal terminal, SharedMemoryHolders holders, HolderCount count)
    {
        var table = new Table(new("PID", IsNumber: true), new("USER"), new("ACCESS"), new("HOLDS"), new("COMMAND"));
        foreach (var holder in holders)
        {
            var user = holder.UserId is { } number ? Accounts.Users.NameOf(number) : "?";
            var command = holder.CommandLine.Count == 0 ? EscapedText.Of(holder.Command) : string.Join(' ', holder.CommandLine.Select(EscapedText.Of));
            foreach (var held in holder.Mappings)
            {
                table.Add(holder.ProcessId, user, HolderFacts.AccessText(held.Access) + (held.IsPrivate ? " private" : ""), Mapping(held), command);
            }

            foreach (var held in holder.Descriptors)
            {
                table.Add(holder.ProcessId, user, HolderFacts.AccessText(held.Access), $"descriptor {held.Number}", command);
            }
        }

        if (holders.Count > 0)
        {
            table.WriteTo(terminal);
        }
        else
        {
            terminal.Out.Write(count.IsZero ? "No process holds it.\n" : count.IsHeld ? "A process holds it that cannot be seen from here.\n" : "No holder was found; whether a process holds it is unknown.\n");
        }

        if (!count.IsZero && HolderSearch.Doubt(holders) is { } doubt)
        {
            terminal.Out.Write(terminal.Paint(doubt, Ink.Dim) + "\n");
        }
    }

    private static string Mapping(HeldMapping held) => string.Create(
        CultureInfo.InvariantCulture,
        $"{held.Address:x}-{held.Address + (ulong)held.Length:x}, {ByteSize.Short(held.Length)}{(held.Offset == 0 ? "" : $" at {held.Offset}")}");
}
