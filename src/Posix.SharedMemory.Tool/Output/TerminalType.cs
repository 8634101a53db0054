namespace Posix.SharedMemory.Tool;

/// <summary>The terminal type (<c>TERM</c>), hidden from the base library's console.</summary>
/// <remarks>
/// At its first use, that console switches the terminal's keypad to another mode and never back, even if standard output is a pipe, as when a shell
/// completes the line being edited. It leaves a terminal of unknown type alone.
/// </remarks>
internal static class TerminalType
{
    private const string Variable = "TERM";

    /// <summary>Gets the terminal type.</summary>
    internal static string? Name { get; private set; }

    /// <summary>Hides the terminal type from the console, before the console is used.</summary>
    internal static void Hide()
    {
        Name = Environment.GetEnvironmentVariable(Variable);
        Environment.SetEnvironmentVariable(Variable, null);
    }

    /// <summary>Shows the terminal type to the console, which is needed to read single keys.</summary>
    internal static void Show() => Environment.SetEnvironmentVariable(Variable, Name);
}
