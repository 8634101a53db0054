namespace Posix.SharedMemory.Threading.Benchmarks;

/// <summary>What does a lock cost that nobody else wants?</summary>
internal static unsafe class Uncontended
{
    internal static IEnumerable<string> Ask()
    {
        using var place = Place.Create();
        var mutex = SharedMutex.At(place.Roster, Place.Mutex);
        var semaphore = SharedSemaphore.At(place.Mapping, Place.Semaphore, 1);
        var count = SharedEventCount.At(place.Roster, Place.EventCount);
        var signal = SharedEvent.At(place.Mapping, Place.Event, EventResetMode.AutoReset);
        var readerWriter = SharedReaderWriterLock.At(place.Roster, Place.ReaderWriter);
        using var named = new Mutex(initiallyOwned: false, place.Name);
        var lockObject = new Lock();
        var c = CBaseline.Load("locks");
        ((delegate* unmanaged<void>)c["set_up"])();
        var rounds = new Rounds(
            50_000,
            ("futex mutex in C", InC(c["futex_pairs"])),
            ("pthread robust mutex in C", InC(c["robust_pairs"])),
            ("SharedMutex.Enter and Dispose", n => { for (var i = 0; i < n; i++) { mutex.Enter().Dispose(); } }),
            ("SharedMutex.EnterAsync and Dispose", n => { for (var i = 0; i < n; i++) { mutex.EnterAsync().GetAwaiter().GetResult().Dispose(); } }),
            ("lock in the base library, one process", n => { for (var i = 0; i < n; i++) { lock (lockObject) { } } }),
            ("pthread rwlock in C, reading", InC(c["read_pairs"])),
            ("SharedReaderWriterLock.EnterRead and Dispose", n => { for (var i = 0; i < n; i++) { readerWriter.EnterRead().Dispose(); } }),
            ("sem_t in C", InC(c["semaphore_pairs"])),
            ("SharedSemaphore.Wait and Release", n => { for (var i = 0; i < n; i++) { semaphore.Wait(); semaphore.Release(); } }),
            ("SharedEventCount.NotifyAll, nobody asleep", n => { for (var i = 0; i < n; i++) { count.NotifyAll(); } }),
            ("SharedEvent.Set and Reset, nobody asleep", n => { for (var i = 0; i < n; i++) { signal.Set(); signal.Reset(); } })).Run();
        var slow = new Rounds(
            20_000,
            ("SharedMutex", n => { for (var i = 0; i < n; i++) { mutex.Enter().Dispose(); } }),
            ("named Mutex in the base library", n => { for (var i = 0; i < n; i++) { named.WaitOne(); named.ReleaseMutex(); } })).Run();
        return
        [
            .. rounds.Table(),
            .. slow.Table(),
            Judged.Head,
            Judged.AtMost("mutex, × futex mutex in C", rounds.Ratio("SharedMutex.Enter and Dispose", "futex mutex in C"), 1.10),
            Judged.AtMost("mutex, × pthread robust in C", rounds.Ratio("SharedMutex.Enter and Dispose", "pthread robust mutex in C"), 0.80),
            Judged.AtLeast("mutex, faster than the named Mutex", slow.Ratio("named Mutex in the base library", "SharedMutex"), 15),
            Judged.AtMost("semaphore, × sem_t in C", rounds.Ratio("SharedSemaphore.Wait and Release", "sem_t in C"), 1.05),
            Judged.AtMost("EnterAsync over Enter, ns", rounds.Median("SharedMutex.EnterAsync and Dispose") - rounds.Median("SharedMutex.Enter and Dispose"), 3),
        ];
    }

    private static Action<int> InC(nint function) => n => ((delegate* unmanaged<long, void>)function)(n);
}
