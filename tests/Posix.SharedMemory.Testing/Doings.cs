using System.Globalization;
using System.Text;

namespace Posix.SharedMemory.Testing;

/// <summary>What every thread of this process and of the processes that it has started is doing, for a test that hangs: its name, its state, the call in which it sleeps.</summary>
public static class Doings
{
    private const int MostLines = 200;

    /// <summary>A line for each thread.</summary>
    public static string OfThisProcessAndItsChildren()
    {
        var text = new StringBuilder();
        var lines = 0;
        Describe(Environment.ProcessId, text, ref lines);
        return text.ToString();
    }

    private static void Describe(int process, StringBuilder text, ref int lines)
    {
        foreach (var task in Tasks(process))
        {
            if (lines++ == MostLines)
            {
                text.AppendLine("… and more");
                return;
            }

            // The system call's number and its arguments; of a futex, the first is the word's address.
            text.AppendLine(CultureInfo.InvariantCulture, $"{process} {Read(task, "comm")}: {State(Read(task, "stat"))}, in {Read(task, "wchan")}, call {Read(task, "syscall")}");
            foreach (var child in Read(task, "children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                Describe(int.Parse(child, CultureInfo.InvariantCulture), text, ref lines);
            }
        }
    }

    private static string[] Tasks(int process)
    {
        try
        {
            return Directory.GetDirectories(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/task"));
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static string State(string stat) => stat.LastIndexOf(')') is >= 0 and var end && stat.Length > end + 2 ? stat[(end + 2)..(end + 3)] : "?";

    private static string Read(string task, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, file)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "?";
        }
    }
}
