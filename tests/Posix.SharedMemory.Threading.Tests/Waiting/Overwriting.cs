namespace Posix.SharedMemory.Threading.Tests;

/// <summary>A hostile process that writes random bytes over locks.</summary>
public sealed class Overwriting : TwoParticipants
{
    [Fact]
    [Rule("hostile.bytes")]
    public void Random_bytes_lead_to_documented_errors_or_a_timeout_and_to_nothing_else()
    {
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        var readerWriter = SharedReaderWriterLock.At(Roster, Memory.ReaderWriter);
        var semaphore = SharedSemaphore.At(Mapping, Memory.Semaphore, 1, 5);
        var returning = SharedSemaphore.ReturningAt(Roster, Memory.Returning, 3);
        var signal = SharedEvent.At(Mapping, Memory.Event, EventResetMode.AutoReset);
        var once = SharedOnce.At(Roster, Memory.Once);
        var barrier = SharedBarrier.At(Roster, Memory.Barrier, 3);
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        var random = new Random(20261126);
        var short_ = TimeSpan.FromMilliseconds(2);
        Action[] acts =
        [
            () => { if (mutex.TryEnter(short_, out var hold)) { hold.Dispose(); } },
            () => { if (readerWriter.TryEnterRead(short_, out var hold)) { hold.Dispose(); } },
            () => { if (readerWriter.TryEnterWrite(short_, out var hold)) { hold.Dispose(); } },
            () => { if (semaphore.Wait(short_)) { semaphore.Release(); } },
            () => { if (returning.Wait(short_)) { returning.Release(); } },
            () => { signal.Set(); signal.Wait(short_); },
            () => { using var token = new CancellationTokenSource(short_); once.Run(() => { }, token.Token); },
            () => { using var token = new CancellationTokenSource(short_); barrier.SignalAndWait(token.Token); },
            () => { count.NotifyAll(); count.Wait(count.PrepareWait(), short_); },
        ];
        long[] places = [Memory.Mutex, Memory.ReaderWriter, Memory.ReaderWriter + 64, Memory.Semaphore, Memory.Returning + 16, Memory.Returning + 64, Memory.Event, Memory.Once, Memory.Barrier + 16, Memory.Barrier + 64, Memory.EventCount];
        for (var round = 0; round < 600; round++)
        {
            foreach (var place in places)
            {
                if (random.Next(3) == 0)
                {
                    random.NextBytes(Mapping.GetSpan(place, 8));
                }
            }

            // The inner mutexes stay as they are: a living owner that never leaves is waited for.
            try
            {
                acts[round % acts.Length]();
            }
            catch (Exception e) when (e is OwnerDiedException or RetiredException or InvalidDataException or SemaphoreFullException or OperationCanceledException
                or LockLostException or InvalidOperationException)
            {
                // What the documentation names.
            }
        }
    }
}
