using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>A process that writes random bytes over everything, and those that go on using what it writes over.</summary>
internal static class Scribbling
{
    private const double Seconds = 1.5;

    /// <summary>One act on each kind of lock, none of which waits for long.</summary>
    internal static Action[] ActsOf(Roster roster, MemoryMapping mapping)
    {
        var mutex = SharedMutex.At(roster, Memory.Mutex);
        var readerWriter = SharedReaderWriterLock.At(roster, Memory.ReaderWriter);
        var semaphore = SharedSemaphore.At(mapping, Memory.Semaphore, 1, 5);
        var returning = SharedSemaphore.ReturningAt(roster, Memory.Returning, 3);
        var signal = SharedEvent.At(mapping, Memory.Event, EventResetMode.AutoReset);
        var condition = SharedCondition.At(mapping, Memory.Condition);
        var once = SharedOnce.At(roster, Memory.Once);
        var barrier = SharedBarrier.At(roster, Memory.Barrier, 3);
        var count = SharedEventCount.At(roster, Memory.EventCount);
        var limit = TimeSpan.FromMilliseconds(2);
        return
        [
            () => { if (mutex.TryEnter(limit, out var hold)) { hold.Dispose(); } },
            () => { using var token = new CancellationTokenSource(limit); mutex.EnterAsync(token.Token).AsTask().GetAwaiter().GetResult().Dispose(); },
            () => { if (mutex.TryEnterUnrepaired(out var hold)) { using (hold) { condition.Wait(hold, limit); } } },
            () => { if (readerWriter.TryEnterRead(limit, out var hold)) { hold.Dispose(); } },
            () => { if (readerWriter.TryEnterWrite(limit, out var hold)) { hold.Dispose(); } },
            () => { if (semaphore.Wait(limit)) { semaphore.Release(); } },
            () => { if (returning.Wait(limit)) { returning.Release(); } },
            () => { signal.Set(); signal.Wait(limit); },
            () => { using var token = new CancellationTokenSource(limit); once.Run(() => { }, token.Token); },
            () => { using var token = new CancellationTokenSource(limit); barrier.SignalAndWait(token.Token); },
            () => { count.NotifyAll(); count.Wait(count.PrepareWait(), limit); },
            () => { foreach (var participant in roster.GetParticipants()) { roster.IsAlive(participant); roster.GetProcessId(participant); } },
        ];
    }

    /// <summary>Whether an act ends as the documentation says that it may.</summary>
    internal static bool IsDocumented(Action act, out Exception? failure)
    {
        try
        {
            act();
            failure = null;
            return true;
        }
        catch (Exception e)
        {
            failure = e;
            return e is OwnerDiedException or RetiredException or InvalidDataException or SemaphoreFullException or OperationCanceledException or LockLostException or InvalidOperationException;
        }
    }

    internal static void Scribble(MemoryMapping mapping)
    {
        var random = new Random(Environment.ProcessId);
        Console.WriteLine("scribbling");
        while (true)
        {
            // From the header on, eight bytes at a time, and more often where something stands.
            var at = random.Next(3) switch
            {
                0 => random.Next(64 + (32 * 8)) & ~7,
                1 => random.Next((int)Memory.Mutex / 8, (int)Memory.Data / 8) * 8,
                _ => (int)new[] { Memory.Mutex, Memory.ReaderWriter, Memory.Semaphore, Memory.Returning, Memory.Event, Memory.Once, Memory.Barrier, Memory.EventCount, Memory.Condition }[random.Next(9)] + (random.Next(10) * 8),
            };
            random.NextBytes(mapping.GetSpan(at, 8));
        }
    }

    internal static void Struggle(MemoryMapping mapping)
    {
        var roster = Roster.Join(mapping);
        var acts = ActsOf(roster, mapping);
        Console.WriteLine("ready");
        Console.WriteLine(Struggle(roster, acts).ToString(CultureInfo.InvariantCulture));
        roster.Dispose();
    }

    internal static int Struggle(Roster roster, Action[] acts)
    {
        var count = 0;
        for (var clock = Stopwatch.StartNew(); clock.Elapsed.TotalSeconds < Seconds; count++)
        {
            if (!IsDocumented(acts[count % acts.Length], out var failure))
            {
                throw new InvalidTimeZoneException($"An act of participant {roster.Self} failed in a way that is not documented: {failure}");
            }
        }

        return count;
    }
}
