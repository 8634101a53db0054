using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>Whether a process is stopped, by a signal or a debugger.</summary>
internal static class StoppedProcess
{
    /// <summary>Whether a number is that of a process which holds the object, as seen from here, and is stopped. A process of another PID namespace has another number there.</summary>
    internal static bool Is(int? process, SharedMemoryHolders? holders) => process is { } id && holders?.Any(holder => holder.ProcessId == id) == true && StateOf(id) is 'T' or 't';

    /// <summary>The state that /proc shows, in one letter: past the name of the command, which may contain anything.</summary>
    private static char? StateOf(int process)
    {
        try
        {
            var text = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/stat"));
            return text.LastIndexOf(')') is >= 0 and var end && end + 2 < text.Length ? text[end + 2] : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
