namespace Posix.SharedMemory.Threading.Benchmarks;

/// <summary>How many entries do two processes make that compete for one mutex?</summary>
internal static unsafe class Contended
{
    private const int Milliseconds = 500, Times = 7;

    internal static IEnumerable<string> Ask()
    {
        var c = CBaseline.Load("locks");
        ((delegate* unmanaged<void>)c["set_up"])();
        var contend = (delegate* unmanaged<long, long, long>)c["contend"];
        double[] futex = new double[Times], robust = new double[Times], ours = new double[Times], named = new double[Times];
        long bytes = 0, entries = 0;
        for (var i = 0; i < Times; i++)
        {
            futex[i] = contend(0, Milliseconds) * 1e-3 / Milliseconds;
            robust[i] = contend(1, Milliseconds) * 1e-3 / Milliseconds;
            using var place = Place.Create();
            var mutex = SharedMutex.At(place.Roster, Place.Mutex);
            ours[i] = Both("contend", place.Name, () => Peer.Entries(mutex), ref bytes, ref entries);
            using var slow = new Mutex(initiallyOwned: false, place.Name);
            long none = 0, others = 0;
            named[i] = Both("named", place.Name, () => Peer.Named(slow), ref none, ref others);
        }

        return
        [
            "| two processes | million entries a second, median | least | most |", "|---|---|---|---|",
            Row("futex mutex in C, same spin", futex), Row("pthread robust mutex in C", robust), Row("SharedMutex", ours), Row("named Mutex in the base library", named), "",
            Judged.Head,
            Judged.AtLeast("× futex mutex in C", Ratio(ours, futex), 1.0),
            Judged.AtLeast("× pthread robust in C", Ratio(ours, robust), 1.4),
            Judged.AtLeast("× named Mutex", Ratio(ours, named), 8),
            Judged.AtMost("bytes allocated for each entry", (double)bytes / entries, 0.001),
        ];
    }

    private static double Ratio(double[] values, double[] others) => Statistics.Median(values.Zip(others, (value, other) => value / other));

    private static string Row(string name, double[] values) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"| {name} | {Statistics.Median(values):F2} | {values.Min():F2} | {values.Max():F2} |");

    private static double Both(string role, string name, Action hundred, ref long bytes, ref long entries)
    {
        using var peer = Peer.Start(role, name, Milliseconds);
        Peer.Read(peer);
        Peer.Count(hundred, 20);
        peer.StandardInput.WriteLine();
        peer.StandardInput.Flush();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var mine = Peer.Count(hundred, Milliseconds);
        bytes += GC.GetAllocatedBytesForCurrentThread() - before;
        entries += mine;
        var theirs = Peer.Read(peer);
        peer.WaitForExit();
        return (mine + theirs) * 1e-3 / Milliseconds;
    }
}
