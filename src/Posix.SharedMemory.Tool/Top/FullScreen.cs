using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;

namespace Posix.SharedMemory.Tool;

/// <summary>Takes over the whole terminal and restores it however the view ends: by a key, a signal, a failure or a stop from the shell.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class FullScreen : IDisposable
{
    // The alternate screen, no cursor, no line wrapping; and back, including the keypad mode that reading keys changes.
    private const string Enter = "\e[?1049h\e[?25l\e[?7l\e[2J", Leave = "\e[?7h\e[?25h\e[?1049l\e[?1l\e>";

    private readonly Stream _output = Console.OpenStandardOutput();
    private readonly List<PosixSignalRegistration?> _signals = [];
    private readonly Lock _lock = new();
    private readonly Action<bool> _post;
    private bool _isOn;

    /// <param name="post">Called from any thread when the view has to end (true) or be redrawn (false).</param>
    internal FullScreen(Action<bool> post)
    {
        _post = post;
        // An unhandled exception ends the process without disposing of anything.
        AppDomain.CurrentDomain.UnhandledException += (_, _) => TurnOff();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => TurnOff();
        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT })
        {
            _signals.Add(Signals.TryHandle(signal, context =>
            {
                context.Cancel = true;
                post(true);
            }));
        }

        _signals.Add(Signals.TryHandle(PosixSignal.SIGTSTP, Stop));
        _signals.Add(Signals.TryHandle(PosixSignal.SIGCONT, _ =>
        {
            TurnOn();
            post(false);
        }));
        _signals.Add(Signals.TryHandle(PosixSignal.SIGWINCH, _ => post(false)));
        TurnOn();
    }

    internal static int Width => Math.Max(1, Console.WindowWidth);

    internal static int Height => Math.Max(1, Console.WindowHeight);

    /// <summary>Shows lines from the top, in one write, so that nothing flickers.</summary>
    internal void Show(List<string> lines)
    {
        var frame = new StringBuilder("\e[H");
        for (var at = 0; at < lines.Count; at++)
        {
            frame.Append(lines[at]).Append("\e[K").Append(at + 1 < lines.Count ? "\r\n" : "");
        }

        Write(frame.Append("\e[J").ToString(), onlyIfOn: true);
    }

    public void Dispose()
    {
        _signals.ForEach(signal => signal?.Dispose());
        TurnOff();
    }

    /// <summary>Ctrl-Z: restores the terminal for the shell, and stops this process.</summary>
    private void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        TurnOff();
        // A handled signal does not stop the process, and the runtime cannot send one: the shell's kill can.
        try
        {
            using var kill = Process.Start("sh", ["-c", string.Create(CultureInfo.InvariantCulture, $"kill -STOP {Environment.ProcessId}")]);
            kill.WaitForExit();
        }
        catch (Win32Exception)
        {
            // No process can be started: the view goes on.
            TurnOn();
            _post(false);
        }
    }

    private void TurnOn()
    {
        lock (_lock)
        {
            _isOn = true;
            Write(Enter, onlyIfOn: false);
        }
    }

    private void TurnOff()
    {
        lock (_lock)
        {
            if (_isOn)
            {
                _isOn = false;
                Write(Leave, onlyIfOn: false);
            }
        }
    }

    private void Write(string text, bool onlyIfOn)
    {
        lock (_lock)
        {
            if (_isOn || !onlyIfOn)
            {
                try
                {
                    _output.Write(Encoding.UTF8.GetBytes(text));
                    _output.Flush();
                }
                catch (IOException)
                {
                    // The terminal is gone: SIGHUP ends the view.
                }
            }
        }
    }
}
