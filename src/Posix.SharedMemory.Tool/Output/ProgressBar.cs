using System.Runtime.CompilerServices;
using Spectre.Console;

namespace Posix.SharedMemory.Tool;

/// <summary>A line on standard error while a long copy runs, if standard error is a terminal, with a bar if the total is known.</summary>
internal static class ProgressBar
{
    /// <summary>A smaller copy ends before anybody could read the bar.</summary>
    private const long WorthShowing = 64 << 20;

    private static readonly TimeSpan s_refresh = TimeSpan.FromMilliseconds(100);

    /// <param name="title">What is being copied.</param>
    /// <param name="total">How many bytes; <see langword="null"/> if that is unknown.</param>
    /// <param name="work">The copy, which reports how many bytes are done.</param>
    internal static void Show(string title, long? total, Action<Action<long>> work)
    {
        using var ended = new ManualResetEventSlim();
        var done = 0L;
        Task? bar = null;
        try
        {
            work(count =>
            {
                Volatile.Write(ref done, count);
                if (bar is null && (total ?? count) >= WorthShowing && Terminal.HasProgress)
                {
                    bar = Task.Run(() => Draw(title, total, () => Volatile.Read(ref done), ended));
                }
            });
        }
        finally
        {
            ended.Set();
            WaitFor(bar);
        }
    }

    /// <summary>Shows the cursor again, which an interrupted bar leaves hidden.</summary>
    internal static void Restore()
    {
        if (Terminal.HasProgress)
        {
            Streams.WriteError("\e[?25h\n");
        }
    }

    private static void WaitFor(Task? bar)
    {
        try
        {
            bar?.Wait();
        }
        catch (AggregateException)
        {
            // The copy goes on without the terminal.
            return;
        }
    }

    // Apart, so that the library is loaded only where a bar is drawn.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Draw(string title, long? total, Func<long> done, ManualResetEventSlim ended)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            // By itself it would take a redirected input or output for a missing terminal.
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.Yes,
            Out = new AnsiConsoleOutput(Console.Error),
        });
        // Without a total there is neither a fraction nor a remaining time to show.
        ProgressColumn[] columns = total is null
            ? [new TaskDescriptionColumn(), new SizeColumn(isTotalKnown: false)]
            : [new TaskDescriptionColumn(), new ProgressBarColumn(), new SizeColumn(isTotalKnown: true), new RemainingTimeColumn()];
        console.Progress().AutoClear(enabled: true).Columns(columns).Start(context =>
        {
            var task = context.AddTask(Markup.Escape(title), maxValue: total ?? long.MaxValue);
            while (!ended.Wait(s_refresh))
            {
                task.MaxValue = Math.Max(task.MaxValue, done());
                task.Value = done();
            }
        });
    }
}
