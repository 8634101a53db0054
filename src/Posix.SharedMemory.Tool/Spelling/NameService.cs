using System.ComponentModel;
using System.Diagnostics;

namespace Posix.SharedMemory.Tool;

/// <summary>What knows users and groups beside the files in /etc, such as LDAP or systemd: <c>getent</c> asks it.</summary>
/// <remarks>It is asked only where the system has such a service: a process costs more than the rest of a command.</remarks>
internal static class NameService
{
    /// <summary>As many words as one command line surely takes.</summary>
    private const int MostAtOnce = 1000;

    /// <summary>Asks for entries by number or name.</summary>
    /// <returns>Lines as in the database's file, of those that there are.</returns>
    internal static IReadOnlyList<string> Ask(string database, IReadOnlyList<string> keys)
    {
        var lines = new List<string>();
        if (IsThere(database))
        {
            foreach (var some in keys.Chunk(MostAtOnce))
            {
                lines.AddRange(RunGetent(database, some));
            }
        }

        return lines;
    }

    /// <summary>Whether the name service switch goes on after the files: <c>passwd: files sss</c>.</summary>
    private static bool IsThere(string database)
    {
        try
        {
            var line = File.ReadAllText("/etc/nsswitch.conf").Split('\n').FirstOrDefault(line => line.StartsWith(database + ":", StringComparison.Ordinal));
            return line is not null
                && line[(database.Length + 1)..].Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)
                    .TakeWhile(word => !word.StartsWith('#'))
                    .Any(word => word is not ("files" or "compat") && !word.StartsWith('['));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Without the file there is no switch.
            return false;
        }
    }

    private static string[] RunGetent(string database, string[] keys)
    {
        try
        {
            // Its failures are no concern of who asked for something else: a number is printed then.
            using var getent = Process.Start(new ProcessStartInfo("getent", [database, .. keys]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true });
            var errors = getent!.StandardError.ReadToEndAsync();
            var answer = getent.StandardOutput.ReadToEnd();
            _ = errors.Wait(Timeout.Infinite);
            getent.WaitForExit();
            return answer.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            return [];
        }
    }
}
