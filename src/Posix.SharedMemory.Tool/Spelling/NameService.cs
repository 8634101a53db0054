using System.ComponentModel;
using System.Diagnostics;

namespace Posix.SharedMemory.Tool;

/// <summary>A service that knows users and groups besides the files in /etc, such as LDAP or systemd, queried through <c>getent</c>.</summary>
/// <remarks>It is queried only if the system has such a service: starting a process costs more than the rest of a command.</remarks>
internal static class NameService
{
    /// <summary>As many words as fit on one command line for certain.</summary>
    private const int MostAtOnce = 1000;

    /// <summary>Looks up entries by number or name.</summary>
    /// <returns>Lines as in the database's file, for the entries that exist.</returns>
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

    /// <summary>Whether the name service switch names a source besides the files: <c>passwd: files sss</c>.</summary>
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
            // If it fails, numbers are printed instead of names.
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
