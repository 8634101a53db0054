using System.Collections.Concurrent;
using System.CommandLine;
using System.Runtime.Versioning;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm top</c>: all objects, live, over the whole terminal.</summary>
internal sealed class TopCommand : ShmCommand
{
    private readonly Option<string> _sort = Given.Choice("--sort", "ORDER", $"Sort by {string.Join(", ", TopOrder.All.Select(order => order.Word))}; by default, allocated", [.. TopOrder.All.Select(order => order.Word)]);
    private readonly Option<bool> _reverse = Given.Flag("--reverse", "Reverse the order", "-r");
    private readonly Option<string> _filter = new("--filter") { HelpName = "TEXT", Description = "Only objects whose name contains this", DefaultValueFactory = _ => "" };
    private readonly Option<TimeSpan?> _interval = Given.Seconds("--interval", "How often to refresh; by default, every 2 seconds");
    private readonly Option<bool> _once = Given.Flag("--once", "Print the current state once and exit; needs no terminal");
    private readonly Option<bool> _json = Given.Flag("--json", "With --once: print JSON, as ls does, in this order");

    internal TopCommand()
        : base(
            "top",
            "Show all objects live, on the whole terminal. Press q to quit, ? for the other keys.",
            "shm top",
            "shm top --sort holders",
            "shm top --once --filter frame")
    {
        foreach (var option in (Option[])[_sort, _reverse, _filter, _interval, _once, _json])
        {
            Add(option);
        }

        Validators.Add(result =>
        {
            if (result.GetValue(_json) && !result.GetValue(_once))
            {
                result.AddError("--json needs --once");
            }
        });
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var view = new TopView(TopOrder.Of(given.GetValue(_sort) ?? "allocated"), given.GetValue(_reverse), given.GetValue(_filter)!);
        if (given.GetValue(_once) && given.GetValue(_json))
        {
            var rows = view.Select(TopSnapshot.Take());
            JsonFacts.Write(terminal, (IReadOnlyList<ObjectFacts>)rows.ConvertAll(row => ObjectFacts.Of(row.Entry, row.Holders, ObjectLook.Of(row.Entry))), json => json.IReadOnlyListObjectFacts);
            return ExitCode.Done;
        }

        if (given.GetValue(_once))
        {
            view.Draw(TopSnapshot.Take(), terminal, Terminal.Width, height: 0).ForEach(line => terminal.Out.Write(line + "\n"));
            return ExitCode.Done;
        }

        if (!Terminal.IsTerminal || Console.IsInputRedirected || OperatingSystem.IsWindows())
        {
            throw new UsageException("a live view needs a terminal; use --once to print the current state");
        }

        // Reading keys needs to know the terminal type. What that switches over is switched back at the end.
        TerminalType.Show();

        Live(view, terminal, given.GetValue(_interval) ?? TimeSpan.FromSeconds(2));
        return ExitCode.Done;
    }

    [UnsupportedOSPlatform("windows")]
    private static void Live(TopView view, Terminal terminal, TimeSpan interval)
    {
        // Before the screen is taken over: a failure here is reported in the ordinary way.
        var snapshot = TopSnapshot.Take();
        using var inputs = new BlockingCollection<Action>();
        var isOver = false;
        using var screen = new FullScreen(ends => Post(inputs, () => isOver |= ends));
        new Thread(() => ReadKeys(inputs, view)) { IsBackground = true }.Start();
        for (var taken = TimeProvider.System.GetTimestamp(); !isOver && !view.IsOver;)
        {
            screen.Show(view.Draw(snapshot, terminal, FullScreen.Width, FullScreen.Height));
            var rest = interval - TimeProvider.System.GetElapsedTime(taken);
            if (inputs.TryTake(out var act, rest > TimeSpan.Zero ? rest : TimeSpan.Zero))
            {
                act();
            }
            else
            {
                snapshot = TopSnapshot.Take(snapshot);
                taken = TimeProvider.System.GetTimestamp();
            }
        }
    }

    // It waits for keys as long as the process lives, and ends with it.
    [UnsupportedOSPlatform("windows")]
    private static void ReadKeys(BlockingCollection<Action> inputs, TopView view)
    {
        try
        {
            while (true)
            {
                var key = Console.ReadKey(intercept: true);
                Post(inputs, () => view.Press(key, TopView.PageOf(FullScreen.Height)));
            }
        }
        catch (Exception e) when (e is InvalidOperationException or IOException)
        {
            // The terminal is gone.
            Post(inputs, view.End);
        }
    }

    private static void Post(BlockingCollection<Action> inputs, Action act)
    {
        try
        {
            inputs.Add(act);
        }
        catch (ObjectDisposedException)
        {
            // The view has ended; a signal or key came too late.
        }
    }
}
