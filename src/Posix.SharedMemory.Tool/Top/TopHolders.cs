using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>The processes that hold the selected object, in the place of the list.</summary>
internal static class TopHolders
{
    /// <summary>Draws at most as many lines as the screen has.</summary>
    internal static List<string> Draw(TopRow row, Terminal terminal, int height)
    {
        List<string> lines = [terminal.Paint(row.Name, Ink.Bold), ""];
        if (row.Found is { Count: > 0 } holders)
        {
            lines.Add(terminal.Paint("     PID  USER        ACCESS      MAPPED  COMMAND", Ink.Bold));
            lines.AddRange(holders.Select(Line));
        }
        else
        {
            lines.Add(row.Holders.IsZero ? "No process holds it." : row.Holders.IsHeld ? "A process holds it that cannot be seen from here." : "No holder was found; whether a process holds it is unknown.");
        }

        if (row.Found is not null && !row.Holders.IsZero && HolderSearch.Doubt(row.Found) is { } doubt)
        {
            lines.Add(terminal.Paint(doubt, Ink.Dim));
        }

        var shown = lines[..Math.Clamp(height - 2, 0, lines.Count)];
        return [.. shown, "", terminal.Paint("Press any key to go back.", Ink.Dim)];
    }

    private static string Line(SharedMemoryHolder holder)
    {
        var user = holder.UserId is { } number ? Accounts.Users.NameOf(number) : "?";
        var mapped = holder.Mappings.Count == 0 ? "" : ByteSize.Short(holder.Mappings.Sum(held => held.Length));
        var command = holder.CommandLine.Count == 0 ? EscapedText.Of(holder.Command) : string.Join(' ', holder.CommandLine.Select(EscapedText.Of));
        return string.Create(CultureInfo.InvariantCulture, $"{holder.ProcessId,8}  {user,-10}  {HolderFacts.AccessText(holder.Access),-10}  {mapped,6}  {command}");
    }
}
