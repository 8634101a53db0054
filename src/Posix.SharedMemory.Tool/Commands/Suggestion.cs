namespace Posix.SharedMemory.Tool;

/// <summary>What was probably meant by a word that is not a command or an option.</summary>
internal static class Suggestion
{
    /// <summary>Words of other programs for what a command does.</summary>
    private static readonly Dictionary<string, string> s_meanings = new(StringComparer.OrdinalIgnoreCase)
    {
        ["list"] = "ls", ["dir"] = "ls", ["info"] = "stat", ["show"] = "stat", ["inspect"] = "stat", ["holders"] = "who", ["lsof"] = "who", ["fuser"] = "who",
        ["new"] = "create", ["make"] = "create", ["touch"] = "create", ["put"] = "write", ["fill"] = "write", ["read"] = "cat", ["get"] = "cat", ["print"] = "cat",
        ["hexdump"] = "dump", ["xxd"] = "dump", ["od"] = "dump", ["truncate"] = "resize", ["grow"] = "resize", ["shrink"] = "resize", ["rename"] = "mv", ["move"] = "mv",
        ["delete"] = "rm", ["del"] = "rm", ["remove"] = "rm", ["unlink"] = "rm", ["mode"] = "chmod", ["usage"] = "df", ["free"] = "df", ["clean"] = "gc", ["cleanup"] = "gc",
        ["prune"] = "gc", ["pages"] = "map", ["draw"] = "map", ["follow"] = "watch", ["monitor"] = "watch", ["check"] = "doctor", ["diagnose"] = "doctor", ["example"] = "demo",
        ["channel"] = "topic", ["channels"] = "topic", ["topics"] = "topic", ["tap"] = "topic", ["echo"] = "topic", ["send"] = "topic", ["recv"] = "topic", ["man"] = "manual", ["version"] = "--version",
    };

    /// <summary>The command that was probably meant; <see langword="null"/> if none is near.</summary>
    internal static string? ForCommand(string word) => Nearest(word, [.. CommandLine.Names, .. s_meanings.Keys]) is { } near ? s_meanings.GetValueOrDefault(near, near) : null;

    /// <summary>The one of several words that differs least from a word; <see langword="null"/> if all differ too much.</summary>
    internal static string? Nearest(string word, IEnumerable<string> words)
    {
        // One difference in a short word, up to three in a long one. A word that differs in everything is not near.
        var most = Math.Clamp(word.TrimStart('-').Length / 3, 1, 3);
        var (near, distance) = words
            .Select(other => (Word: other, Distance: other.StartsWith(word, StringComparison.OrdinalIgnoreCase) && word.TrimStart('-').Length > 1 ? 0 : Distance(word.ToUpperInvariant(), other.ToUpperInvariant())))
            .MinBy(pair => pair.Distance);
        return distance <= most && distance < near.TrimStart('-').Length ? near : null;
    }

    /// <summary>How many characters have to be changed, added, removed or exchanged with their neighbour to make one word of another.</summary>
    private static int Distance(string one, string other)
    {
        var costs = new int[one.Length + 1, other.Length + 1];
        for (var row = 0; row <= one.Length; row++)
        {
            for (var column = 0; column <= other.Length; column++)
            {
                if (row == 0 || column == 0)
                {
                    costs[row, column] = row + column;
                    continue;
                }

                var isSame = one[row - 1] == other[column - 1];
                costs[row, column] = Math.Min(Math.Min(costs[row - 1, column], costs[row, column - 1]) + 1, costs[row - 1, column - 1] + (isSame ? 0 : 1));
                if (row > 1 && column > 1 && one[row - 1] == other[column - 2] && one[row - 2] == other[column - 1])
                {
                    costs[row, column] = Math.Min(costs[row, column], costs[row - 2, column - 2] + 1);
                }
            }
        }

        return costs[one.Length, other.Length];
    }
}
