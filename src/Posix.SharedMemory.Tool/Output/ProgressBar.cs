using System.Runtime.CompilerServices;
using Spectre.Console;

namespace Posix.SharedMemory.Tool;

/// <summary>A line on standard error for what takes its time, where that is a terminal, with a bar where the end is known.</summary>
internal static class ProgressBar
{
    /// <summary>Less is done before anybody could read the bar.</summary>
    private const long WorthShowing = 64 << 20;

    private static readonly TimeSpan s_refresh = TimeSpan.FromMilliseconds(100);

    /// <param name="title">What is worked on.</param>
    /// <param name="total">How many bytes; <see langword="null"/> where nobody knows.</param>
    /// <param name="work">The work, which tells how far it is.</param>
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

    /// <summary>Shows the cursor again, which a bar that is interrupted leaves hidden.</summary>
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
            // A terminal that has gone is no reason to give up the work.
            return;
        }
    }

    // Apart, so that the library is loaded only where a bar is drawn.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Draw(string title, long? total, Func<long> done, ManualResetEventSlim ended)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            // It would take a redirected input or output for the lack of a terminal.
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.Yes,
            Out = new AnsiConsoleOutput(Console.Error),
        });
        // Of what nobody knows the end there is neither a part nor a time to show.
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
