using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>Prints each event at once, as one line: for people, or as JSON.</summary>
/// <param name="terminal">Where to print.</param>
/// <param name="isJson">Whether to print JSON.</param>
/// <param name="most">The number of events to print; <see langword="null"/> for no limit.</param>
internal sealed class EventPrinter(Terminal terminal, bool isJson, int? most)
{
    private int _printed;

    /// <summary>Gets whether the requested number of events has been printed.</summary>
    internal bool IsEnough => _printed >= most;

    internal void Print(WatchFacts happened)
    {
        if (IsEnough)
        {
            return;
        }

        if (isJson)
        {
            ViewFacts.Write(terminal, happened, ViewFacts.Lines.WatchFacts);
        }
        else
        {
            var time = happened.Time.ToLocalTime().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
            var (word, ink) = happened.Event is "added" or "held" ? (happened.Event, Ink.Green)
                : happened.Event is "removed" or "released" ? (happened.Event, Ink.Red)
                : (happened.Event, Ink.Yellow);
            terminal.Out.Write($"{terminal.Paint(time, Ink.Dim)}  {terminal.Paint(word.PadRight(8), ink)}  {happened.Escaped ?? happened.Name}{Details(happened)}\n");
        }

        // The start is not a change: --count counts changes.
        _printed += happened.Event == "started" ? 0 : 1;
        terminal.Flush();
    }

    private static string Details(WatchFacts happened) => happened.Event switch
    {
        "started" when happened.Objects is { } objects => $"{ByteSize.Count(objects, "object")}; press Ctrl-C to end",
        "renamed" => $"  was {happened.OldEscaped ?? happened.OldName}",
        "length" => string.Create(CultureInfo.InvariantCulture, $"  {happened.OldLength} -> {happened.Length} bytes"),
        "mode" => $"  {happened.Mode}",
        "owner" => $"  {happened.Owner}",
        "held" or "released" => string.Create(CultureInfo.InvariantCulture, $"  by {happened.Pid} {EscapedText.Of(happened.Command!)}{(happened.Access is { } access ? $" ({access})" : "")}"),
        "bytes" => $"  {Ranges(happened)}",
        "unreadable" => $"  {happened.Reason}",
        "removed" => "",
        _ => happened.Length is not { } length ? "" : string.Create(
            CultureInfo.InvariantCulture, $"  {length} bytes, {happened.Mode}, {happened.Owner}{HoldersText(happened)}"),
    };

    private static string HoldersText(WatchFacts happened) => happened switch
    {
        { Holders: { } holders } => string.Create(CultureInfo.InvariantCulture, $", {holders}{(happened.HoldersExact == true ? "" : "+")} {(holders == 1 ? "holder" : "holders")}"),
        { HoldersExact: false } => ", holders unknown",
        _ => "",
    };

    private static string Ranges(WatchFacts happened)
    {
        const int MostShown = 4;
        var shown = happened.Ranges!.Take(MostShown).Select(range => range.Length == 1
            ? string.Create(CultureInfo.InvariantCulture, $"0x{range.Offset:x}")
            : string.Create(CultureInfo.InvariantCulture, $"0x{range.Offset:x}-0x{range.Offset + range.Length - 1:x}"));
        var rest = happened.Ranges!.Count > MostShown ? ", ..." : "";
        return string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", shown)}{rest} ({happened.ChangedBytes} {(happened.ChangedBytes == 1 ? "byte" : "bytes")})");
    }
}
