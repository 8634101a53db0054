namespace Posix.SharedMemory.Tool;

/// <summary>What the terminal is said to be (<c>TERM</c>), kept from the base library's console.</summary>
/// <remarks>
/// At its first use that console switches a terminal's keypad into another mode, and never back: also where standard output is a pipe, as when a shell
/// completes a line that is being edited. Where it does not know the terminal, it leaves it alone.
/// </remarks>
internal static class TerminalType
{
    private const string Variable = "TERM";

    /// <summary>Gets what the terminal is said to be.</summary>
    internal static string? Name { get; private set; }

    /// <summary>Lets the console know nothing of it, before it is used.</summary>
    internal static void Hide()
    {
        Name = Environment.GetEnvironmentVariable(Variable);
        Environment.SetEnvironmentVariable(Variable, null);
    }

    /// <summary>Lets the console know it, for who reads single keys.</summary>
    internal static void Show() => Environment.SetEnvironmentVariable(Variable, Name);
}
