using System.Globalization;
using System.Text.Json;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary>The command on a terminal of its own, as a person sees it and types.</summary>
internal sealed class OnTerminal : IDisposable
{
    private readonly Peer _driver;

    private OnTerminal(Peer driver) => _driver = driver;

    /// <summary>Starts the command. Skips the test where there is no Python to make a terminal.</summary>
    internal static OnTerminal Start(int columns, int rows, params string[] words) => StartProgram(columns, rows, [Shm.Program, .. words]);

    internal static OnTerminal StartProgram(int columns, int rows, params string[] words)
    {
        Skip.IfNot(Installed.Has("python3"), "No python3 to make a terminal with.");
        var script = Path.Combine(AppContext.BaseDirectory, "pty", "drive.py");
        return new(Peer.Run("python3", [script, columns.ToString(CultureInfo.InvariantCulture), rows.ToString(CultureInfo.InvariantCulture), .. words]));
    }

    /// <summary>Waits until the screen shows a text.</summary>
    /// <returns>The screen.</returns>
    internal string[] Expect(string text) => [.. Ask($"expect {text}").GetProperty("screen").EnumerateArray().Select(line => line.GetString()!)];

    /// <summary>Types, with escapes such as <c>\r</c>.</summary>
    internal void Type(string keys) => Ask($"key {keys}");

    internal void Signal(int number) => Ask(string.Create(CultureInfo.InvariantCulture, $"signal {number}"));

    internal void Resize(int columns, int rows) => Ask(string.Create(CultureInfo.InvariantCulture, $"resize {columns} {rows}"));

    /// <summary>Waits until the command is stopped, and says whether the terminal is the shell's again.</summary>
    internal bool IsRestoredByStop()
    {
        var state = Ask("stopped");
        return !state.GetProperty("other_screen").GetBoolean() && state.GetProperty("cursor").GetBoolean();
    }

    /// <summary>Waits for the end, after which the terminal must be as it was.</summary>
    internal int EndRestored()
    {
        var state = Ask("end");
        Assert.Equal(
            (false, true, true, true, false),
            (state.GetProperty("other_screen").GetBoolean(), state.GetProperty("cursor").GetBoolean(), state.GetProperty("echo").GetBoolean(), state.GetProperty("lines").GetBoolean(), state.GetProperty("keypad").GetBoolean()));
        return state.GetProperty("exit").GetInt32();
    }

    public void Dispose()
    {
        // At the end of its input the driver kills what still runs.
        _driver.Finish();
        _driver.Dispose();
    }

    private JsonElement Ask(string line)
    {
        var answer = Objects.Json(_driver.Ask(line));
        return answer.TryGetProperty("timeout", out _) ? throw new TimeoutException(answer.ToString()) : answer;
    }
}
