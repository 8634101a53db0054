using System.Globalization;
using Spectre.Console;

namespace Posix.SharedMemory.Tool;

/// <summary>What the live view shows, and how keys change it. It is independent of the terminal: keys go in, lines come out.</summary>
internal sealed class TopView(TopOrder order, bool isReverse, string filter)
{
    private const int LinesAround = 5;

    private const int FarAway = 1 << 30;

    /// <summary>Fewer columns than this are too few for a name: other columns are left out instead.</summary>
    private const int LeastNameWidth = 16;

    private static readonly (string Title, int Width, bool IsNumber, int Spare)[] s_columns =
        [("MODE", 9, false, 5), ("OWNER", 10, false, 3), ("HOLDERS", 8, true, 1), ("LENGTH", 7, true, 2), ("ALLOCATED", 10, true, 2), ("MODIFIED", 9, true, 4), ("MSG/S", 7, true, 1), ("FILL", 5, true, 3), ("NAME", 0, false, 0)];

    /// <summary>The columns that only channels have something in.</summary>
    private static readonly string[] s_ofChannels = ["MSG/S", "FILL"];

    private TopOrder _order = order;
    private bool _isReverse = isReverse;
    private string _filter = filter;
    private string? _typed;
    private bool _showsHelp;
    private bool _hasChannels;
    private int _first;
    private string? _selected;
    private int _selectedAt;
    private int _step;
    private bool _showsHolders;

    /// <summary>Gets whether the view has to end.</summary>
    internal bool IsOver { get; private set; }

    internal void End() => IsOver = true;

    /// <summary>Handles a key.</summary>
    /// <param name="page">How many rows the screen shows.</param>
    internal void Press(ConsoleKeyInfo key, int page)
    {
        if (_typed is not null)
        {
            Type(key);
        }
        else if (_showsHelp || _showsHolders)
        {
            _showsHelp = _showsHolders = false;
            IsOver = key.KeyChar is 'q' or 'Q';
        }
        else if (TopOrder.All.FirstOrDefault(order => order.Key == char.ToLowerInvariant(key.KeyChar)) is { } order)
        {
            (_order, _first) = (order, 0);
        }
        else if (key.KeyChar is 'q' or 'Q')
        {
            IsOver = true;
        }
        else if (key.KeyChar is 'r' or 'R')
        {
            (_isReverse, _first) = (!_isReverse, 0);
        }
        else if (key.KeyChar is 'f' or '/')
        {
            _typed = _filter;
        }
        else if (key.KeyChar is '?' || key.Key == ConsoleKey.F1)
        {
            _showsHelp = true;
        }
        else if (key.Key == ConsoleKey.Enter)
        {
            _showsHolders = _selected is not null;
        }
        else if (key.Key == ConsoleKey.Escape)
        {
            _selected = null;
        }
        else if (_selected is not null || key.Key is ConsoleKey.DownArrow or ConsoleKey.UpArrow)
        {
            _step = Step(key.Key, page);
        }
        else
        {
            _first += Step(key.Key, page);
        }
    }

    /// <summary>Draws as many lines as the screen has; with a height of 0, all of them.</summary>
    internal List<string> Draw(TopSnapshot snapshot, Terminal terminal, int width, int height)
    {
        if (_showsHelp)
        {
            return Help(terminal, width, height);
        }

        var rows = Select(snapshot);
        var page = height == 0 ? rows.Count : PageOf(height);
        if (Selected(rows, page) is { } selected && _showsHolders)
        {
            return TopHolders.Draw(selected, terminal, height).ConvertAll(line => Fit(line, width));
        }

        _first = Math.Clamp(_first, 0, Math.Max(0, rows.Count - page));
        _hasChannels = rows.Exists(row => row.Channel is not null);
        List<string> lines = [Fit(Summary(snapshot), width), Fit(Room(snapshot), width), Fit(Shown(rows.Count, page), width)];
        lines.Add(terminal.Paint(Row(s_columns.Select(column => (column.Width == 0 ? " " : "") + (column.Title == _order.Column ? $"{(_isReverse ? '^' : 'v')}{column.Title}" : column.Title)), width), Ink.Bold));
        lines.AddRange(rows.Skip(_first).Take(page).Select(row => Paint(row, snapshot.Time, terminal, width)));
        if (height == 0)
        {
            return lines;
        }

        while (lines.Count < height - 1)
        {
            lines.Add("");
        }

        lines.Add(terminal.Paint(Fit(Footer(), width), Ink.Dim));
        return lines.GetRange(0, Math.Min(lines.Count, height));
    }

    /// <summary>The objects that the filter accepts, in order.</summary>
    internal List<TopRow> Select(TopSnapshot snapshot)
    {
        // The name as it is printed, or as it is.
        var wanted = _typed ?? _filter;
        var rows = snapshot.Rows
            .Where(row => row.Name.Contains(wanted, StringComparison.OrdinalIgnoreCase) || row.Entry.Name.Contains(wanted, StringComparison.OrdinalIgnoreCase)).ToList();
        _order.Sort(rows, _isReverse);
        return rows;
    }

    /// <summary>How many rows a screen of a height shows.</summary>
    internal static int PageOf(int height) => Math.Max(0, height - LinesAround);

    private void Type(ConsoleKeyInfo key)
    {
        if (key.Key == ConsoleKey.Enter)
        {
            (_filter, _typed, _first) = (_typed!, null, 0);
        }
        else if (key.Key == ConsoleKey.Escape)
        {
            _typed = null;
        }
        else if (key.Key == ConsoleKey.Backspace || key.KeyChar is '\b' or '\x7F')
        {
            _typed = _typed is { Length: > 0 } ? _typed[..^1] : _typed;
        }
        else if (!char.IsControl(key.KeyChar))
        {
            _typed += key.KeyChar;
        }
    }

    private static int Step(ConsoleKey key, int page) => key switch
    {
        ConsoleKey.DownArrow => 1,
        ConsoleKey.UpArrow => -1,
        ConsoleKey.PageDown or ConsoleKey.Spacebar => page,
        ConsoleKey.PageUp => -page,
        ConsoleKey.Home => -FarAway,
        ConsoleKey.End => FarAway,
        _ => 0,
    };

    /// <summary>The selected object, after a step that a key has asked for. The selection follows its object while the order changes; if the object is gone, it stays in its place.</summary>
    private TopRow? Selected(List<TopRow> rows, int page)
    {
        if ((_selected is null && _step == 0) || rows.Count == 0)
        {
            (_selected, _step, _showsHolders) = (null, 0, false);
            return null;
        }

        var at = rows.FindIndex(row => row.Name == _selected);
        _showsHolders &= at >= 0;
        // The first step selects what is shown first.
        at = _selected is null ? _first : (at < 0 ? _selectedAt : at) + _step;
        _selectedAt = Math.Clamp(at, 0, rows.Count - 1);
        (_selected, _step) = (rows[_selectedAt].Name, 0);
        _first = Math.Clamp(_first, Math.Max(0, _selectedAt - page + 1), _selectedAt);
        return rows[_selectedAt];
    }

    private static string Summary(TopSnapshot snapshot)
    {
        var orphans = snapshot.Rows.Count(row => row.Holders.IsZero);
        var unknown = snapshot.Rows.Count(row => row.Holders is { IsExact: false, Known: null or 0 });
        var time = snapshot.Time.ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        return $"shm top - {time}   {ByteSize.Count(snapshot.Rows.Count, "object")}, {orphans} unused{(unknown == 0 ? "" : $", {unknown} unknown")}";
    }

    private static string Room(TopSnapshot snapshot)
    {
        var named = snapshot.Rows.Sum(row => row.Entry.AllocatedBytes);
        return snapshot.Usage is not { TotalBytes: > 0 } usage ? $"{ByteSize.Short(named)} in named objects" : string.Create(
            CultureInfo.InvariantCulture,
            $"/dev/shm {ByteSize.Short(usage.TotalBytes)}, {ByteSize.Short(usage.UsedBytes)} used ({100.0 * usage.UsedBytes / usage.TotalBytes:0} %), {ByteSize.Short(named)} in named objects");
    }

    /// <summary>The filter and the part that is shown; empty if everything is.</summary>
    private string Shown(int count, int page) => string.Join("   ", ((string?[])
    [
        _filter.Length == 0 ? null : $"filter: {_filter}",
        count > page ? string.Create(CultureInfo.InvariantCulture, $"{_first + 1}-{Math.Min(_first + page, count)} of {count}") : null,
    ]).OfType<string>());

    private string Footer() =>
        _typed is not null ? $"filter: {_typed}_   Enter applies it, Esc cancels"
        : $"q quit  ? help  {string.Join(' ', TopOrder.All.Select(order => $"{order.Key} {order.Word}"))}  r reverse  f filter";

    private string Paint(TopRow row, DateTimeOffset now, Terminal terminal, int width)
    {
        var entry = row.Entry;
        var line = Row(
            [
                ModeText.Letters(entry.Permissions), Accounts.Users.NameOf(entry.UserId), row.Holders.ToCell().Text, ByteSize.Short(entry.Length),
                ByteSize.Short(entry.AllocatedBytes), Age.Since(entry.LastWriteTime, now), row.Rate is { } rate ? Rate(rate) : "", row.Channel?.FillText ?? "", (row.Name == _selected ? ">" : " ") + row.Name,
            ],
            width);
        return row.IsBlocked || row.Channel?.HasDead == true ? terminal.Paint(line, Ink.Red) : row.Holders.IsZero ? terminal.Paint(line, Ink.Yellow) : line;
    }

    /// <summary>Messages a second in at most six characters: 12, 1.5K, 20M.</summary>
    private static string Rate(double rate) => rate switch
    {
        < 9.95 => rate.ToString("0.#", CultureInfo.InvariantCulture),
        < 9_999.5 => rate.ToString("0", CultureInfo.InvariantCulture),
        < 999_500 => (rate / 1000).ToString("0.#", CultureInfo.InvariantCulture) + "K",
        _ => (rate / 1_000_000).ToString("0.#", CultureInfo.InvariantCulture) + "M",
    };

    private string Row(IEnumerable<string> cells, int width)
    {
        var shown = Shown(width);
        return Fit(
            string.Join(' ', cells.Zip(s_columns).Where(pair => shown.Contains(pair.Second)).Select(pair => pair.Second.Width == 0 ? pair.First
                : pair.Second.IsNumber ? pair.First.PadLeft(pair.Second.Width)
                : Fit(pair.First, pair.Second.Width).PadRight(pair.Second.Width))),
            width);
    }

    /// <summary>The columns that leave room for a name. The one that decides the order goes last.</summary>
    private List<(string Title, int Width, bool IsNumber, int Spare)> Shown(int width)
    {
        var shown = s_columns.Where(column => _hasChannels || !s_ofChannels.Contains(column.Title)).ToList();
        while (width - shown.Sum(column => column.Width + 1) < LeastNameWidth && shown.Count > 1)
        {
            shown.Remove(shown.Where(column => column.Spare > 0).MaxBy(column => column.Title == _order.Column ? 0 : column.Spare));
        }

        return shown;
    }

    private static List<string> Help(Terminal terminal, int width, int height)
    {
        List<string> lines =
        [
            terminal.Paint("shm top", Ink.Bold), "",
            .. TopOrder.All.Select(order => $"  {order.Key}        sort by {order.Word}"),
            "  r        reverse the order", "  f, /     show only names that contain a text", "  up, down select an object; Enter shows which processes hold it, Esc ends the selection",
            "  page up and down, home, end: scroll", "  q        quit", "",
            "  HOLDERS counts the processes that have the object open or mapped.", "  Yellow, 0: no process does. ? and +: processes that cannot be seen from here may.",
            "  MSG/S and FILL are of channels. Red: a process died that had an end open, or a stopped writer holds a fan-in up, or a stopped reader a broadcast.", "", "Press any key to go back.",
        ];
        lines = lines.ConvertAll(line => Fit(line, width));
        return lines.GetRange(0, Math.Min(lines.Count, height));
    }

    /// <summary>Cuts text that is too wide, counted in columns: some characters take two.</summary>
    private static string Fit(string text, int width)
    {
        if (width == int.MaxValue || text.Length * 2 <= width || text.GetCellWidth() <= width)
        {
            return text;
        }

        var taken = 0;
        var kept = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            var wide = rune.ToString().GetCellWidth();
            if (taken + wide > width - 1)
            {
                break;
            }

            taken += wide;
            kept += rune.Utf16SequenceLength;
        }

        return width <= 0 ? "" : text[..kept] + "…";
    }
}
