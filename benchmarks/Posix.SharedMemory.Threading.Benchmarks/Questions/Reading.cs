namespace Posix.SharedMemory.Threading.Benchmarks;

/// <summary>How many read entries do two processes make at the same time?</summary>
internal static unsafe class Reading
{
    private const int Milliseconds = 500, Times = 7;

    internal static IEnumerable<string> Ask()
    {
        var c = CBaseline.Load("locks");
        ((delegate* unmanaged<void>)c["set_up"])();
        var contend = (delegate* unmanaged<long, long, long>)c["contend"];
        double[] theirs = new double[Times], ours = new double[Times];
        for (var i = 0; i < Times; i++)
        {
            theirs[i] = contend(2, Milliseconds) * 1e-3 / Milliseconds;
            using var place = Place.Create();
            var readerWriter = SharedReaderWriterLock.At(place.Roster, Place.ReaderWriter);
            using var peer = Peer.Start("read", place.Name, Milliseconds);
            Peer.Read(peer);
            Peer.Count(() => Peer.Reads(readerWriter), 20);
            peer.StandardInput.WriteLine();
            peer.StandardInput.Flush();
            var mine = Peer.Count(() => Peer.Reads(readerWriter), Milliseconds);
            ours[i] = (mine + Peer.Read(peer)) * 1e-3 / Milliseconds;
        }

        return
        [
            string.Create(System.Globalization.CultureInfo.InvariantCulture, $"pthread rwlock in C {Statistics.Median(theirs):F2}, SharedReaderWriterLock {Statistics.Median(ours):F2} million read entries a second in two processes."), "",
            Judged.Head,
            Judged.AtLeast("read entries of two processes, × pthread rwlock", Statistics.Median(ours.Zip(theirs, (value, other) => value / other)), 3),
        ];
    }
}
