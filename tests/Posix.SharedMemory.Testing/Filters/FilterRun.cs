using System.Globalization;

namespace Posix.SharedMemory.Testing;

/// <summary>Starts the process that walks, again where it ended in the middle, and collects what it complains of.</summary>
/// <param name="Worked">In how many cases the operation kept its promise.</param>
/// <param name="Advised">In how many it failed.</param>
/// <param name="Complaints">What was wrong.</param>
internal sealed record FilterRun(int Worked, int Advised, IReadOnlyList<string> Complaints)
{
    /// <summary>Walks.</summary>
    /// <param name="start">Starts a process that does <see cref="FilterWalk.Act"/> with some arguments.</param>
    /// <param name="seed">Chooses the cases.</param>
    /// <param name="oneIn">One case of so many is tried.</param>
    /// <param name="only">The name of an operation, where only that is walked.</param>
    internal static FilterRun Walk(Func<string[], Peer> start, int seed, int oneIn, string? only = null)
    {
        var (worked, advised) = (0, 0);
        var complaints = new List<string>();
        for (var first = 0; first < WalkedVerbs.All.Count; first++)
        {
            using var peer = start([first.ToString(CultureInfo.InvariantCulture), seed.ToString(CultureInfo.InvariantCulture), oneIn.ToString(CultureInfo.InvariantCulture), .. only is null ? [] : new[] { only }]);
            var last = "its start";
            try
            {
                while (peer.ReadLine() is var line)
                {
                    var (word, rest) = line.Split(' ', 2) is [var head, var tail] ? (head, tail) : (line, "");
                    switch (word)
                    {
                        case "verb":
                            (first, last) = (int.Parse(rest.Split(' ')[0], CultureInfo.InvariantCulture), rest);
                            break;
                        case "cell":
                            last = rest;
                            break;
                        case "done":
                            var numbers = rest.Split(' ');
                            return new(worked + int.Parse(numbers[0], CultureInfo.InvariantCulture), advised + int.Parse(numbers[1], CultureInfo.InvariantCulture), complaints);
                        default:
                            complaints.Add(rest);
                            break;
                    }
                }
            }
            catch (InvalidOperationException e)
            {
                // The next process goes on with the next operation.
                complaints.Add($"{last}: the process ended: {e.Message}");
            }
        }

        return new(worked, advised, complaints);
    }

    /// <summary>A runtime that compiles once, maps no code of its own through descriptors and starts no thread to collect: what it does itself is not to meet the filters.</summary>
    internal static Peer Start(string program, string[] arguments) =>
        Peer.Run("env", ["DOTNET_EnableWriteXorExecute=0", "DOTNET_TieredCompilation=0", "DOTNET_gcConcurrent=0", program, .. arguments]);
}
