using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using Posix.SharedMemory.Threading.Tests.Peers;
using Xunit.Abstractions;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Many waiters, competing processes, waits that nobody remembers.</summary>
public sealed class Crowding(ITestOutputHelper output) : TwoParticipants
{
    [Fact]
    [Rule("crowd.asynchronous")]
    public async Task Ten_thousand_asynchronous_waits_need_few_threads_and_lose_no_permit()
    {
        const int Words = 200, Waits = 50, Released = 20;
        var random = new Random(20261127);
        var semaphores = Enumerable.Range(0, Words).Select(i => SharedSemaphore.At(Mapping, Memory.OneSeat + (i * 16), 0)).ToArray();
        // The service's first thread is there before the count.
        await semaphores[0].WaitAsync(TimeSpan.FromMilliseconds(1));
        var threads = ServiceThreads.Count();
        using var cancellation = new CancellationTokenSource();
        var waits = semaphores.SelectMany(semaphore => Enumerable.Range(0, Waits).Select(i => semaphore.WaitAsync(i % 2 == 0 ? cancellation.Token : default).AsTask())).ToArray();
        Assert.InRange(ServiceThreads.Count(), threads, threads + 3);
        var releasing = Task.Run(() =>
        {
            for (var i = 0; i < Words * Released; i++)
            {
                semaphores[i % Words].Release();
                if (i == Words * Released / 2)
                {
                    cancellation.CancelAfter(random.Next(3));
                }
            }
        });
        await releasing;
        // Those that cannot be cancelled are 25 of each 50: five permits more let all of them go on, whoever was cancelled meanwhile.
        await cancellation.CancelAsync();
        Watchdog.Until(() => waits.Where((_, i) => i % 2 == 0).All(wait => wait.IsCompleted), "the cancelled waits");
        var taken = waits.Count(wait => wait.IsCompletedSuccessfully);
        foreach (var semaphore in semaphores)
        {
            semaphore.Release(Waits);
        }

        await Task.WhenAll(waits.Where((_, i) => i % 2 == 1)).WaitAsync(Watchdog.Limit);
        var all = waits.Count(wait => wait.IsCompletedSuccessfully);
        output.WriteLine($"{taken} of {waits.Length} before the end, {all} in all");
        Assert.Equal((Words * (Released + Waits)) - all, semaphores.Sum(semaphore => semaphore.CurrentCount));
    }

    [Fact]
    [Rule("crowd.fair")]
    public void Every_competing_process_enters()
    {
        var partners = Enumerable.Range(0, 4).Select(_ => Partner.Join(Memory)).ToArray();
        try
        {
            Array.ForEach(partners, partner => partner.Tell("compete"));
            var answers = partners.Select(partner => partner.ReadLine()).ToArray();
            output.WriteLine("entries and longest wait in microseconds: " + string.Join(", ", answers));
            var entries = answers.Select(answer => long.Parse(answer.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture)).ToArray();
            // Shares depend on the machine's other work, too: what the design promises is looked at by hand, on a quiet machine with two processors.
            var isQuiet = Environment.GetEnvironmentVariable("FAIRNESS") == "1";
            Assert.InRange(entries.Min(), isQuiet ? entries.Max() / 2 : 1, entries.Max());
            Assert.True(!isQuiet || answers.All(answer => long.Parse(answer.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture) <= 20_000), "More than 20 ms.");
        }
        finally
        {
            Array.ForEach(partners, partner => partner.Dispose());
        }
    }

    [Fact]
    [Rule("crowd.forgotten")]
    public void An_event_count_that_nobody_references_is_collected_once_its_last_wait_is_over()
    {
        var forgotten = Forget();
        SharedEventCount.At(OtherRoster, OtherMapping, Memory.EventCount).NotifyAll();
        Watchdog.Until(
            () =>
            {
#pragma warning disable RS0030 // The rule under test is about the collector.
                GC.Collect();
#pragma warning restore RS0030
                GC.WaitForPendingFinalizers();
                return !forgotten.IsAlive;
            },
            "the collector");
        // The service goes on for others.
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        var wait = count.WaitAsync(count.PrepareWait());
        count.NotifyAll();
        wait.AsTask().WaitAsync(Watchdog.Limit).GetAwaiter().GetResult();
    }

    [Fact]
    [Rule("crowd.context")]
    public void The_library_works_from_a_collectible_context_and_leaves_its_seat_there()
    {
        var context = new AssemblyLoadContext("threading", isCollectible: true);
        context.Resolving += (own, name) => own.LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, name.Name + ".dll"));
        var core = context.LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.dll"));
        var threading = context.LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.Threading.dll"));
        var open = core.GetType("Posix.SharedMemory.SharedMemoryObject")!.GetMethods().First(method => method.Name == "Open" && method.GetParameters()[0].ParameterType == typeof(string));
        using var opened = (IDisposable)open.Invoke(null, [Memory.Name, .. open.GetParameters().Skip(1).Select(parameter => parameter.DefaultValue)])!;
        var map = opened.GetType().GetMethods().First(method => method.Name == "Map" && method.GetParameters().All(parameter => parameter.HasDefaultValue));
        using var mapping = (IDisposable)map.Invoke(opened, [.. map.GetParameters().Select(parameter => parameter.DefaultValue)])!;
        var join = threading.GetType("Posix.SharedMemory.Threading.Roster")!.GetMethod("Join", BindingFlags.Public | BindingFlags.Static)!;
        using (var roster = (IDisposable)join.Invoke(null, [mapping, 0L, 63, null])!)
        {
            Assert.Equal(3, Roster.GetParticipants().Count);
        }

        Assert.Equal(2, Roster.GetParticipants().Count);
        // Its guard lives as long as the process, so the context is not collected; that harms nobody.
        context.Unload();
        SharedMutex.At(Roster, Memory.Mutex).Enter().Dispose();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private WeakReference Forget()
    {
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        _ = count.WaitAsync(count.PrepareWait());
        return new(count);
    }
}
