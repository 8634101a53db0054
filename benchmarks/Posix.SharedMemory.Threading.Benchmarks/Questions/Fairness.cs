using System.Globalization;

namespace Posix.SharedMemory.Threading.Benchmarks;

/// <summary>How long does a process wait for a mutex that three others want all the time, and how many of the entries does each get?</summary>
internal static class Fairness
{
    private const int Processes = 4, Milliseconds = 2000;

    internal static IEnumerable<string> Ask()
    {
        using var place = Place.Create();
        _ = SharedMutex.At(place.Roster, Place.Mutex);
        var peers = Enumerable.Range(0, Processes).Select(_ => Peer.Start("compete", place.Name, Milliseconds)).ToArray();
        Array.ForEach(peers, peer => Peer.Read(peer));
        Array.ForEach(peers, peer =>
        {
            peer.StandardInput.WriteLine();
            peer.StandardInput.Flush();
        });
        var answers = peers.Select(peer => (Entries: Peer.Read(peer), Longest: Peer.Read(peer) / 1000.0)).ToArray();
        Array.ForEach(peers, peer => peer.Dispose());
        return
        [
            "| process | entries | longest wait, ms |", "|---|---|---|",
            .. answers.Select((answer, i) => string.Create(CultureInfo.InvariantCulture, $"| {i + 1} | {answer.Entries} | {answer.Longest:F1} |")), "",
            Judged.Head,
            Judged.AtMost("longest wait of four processes that are inside for 1 µs at a time, ms", answers.Max(answer => answer.Longest), 20),
            Judged.AtLeast("entries of the slowest, × those of the fastest", (double)answers.Min(answer => answer.Entries) / answers.Max(answer => answer.Entries), 0.5),
        ];
    }
}
