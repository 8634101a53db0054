using System.Globalization;
using Xunit.Abstractions;

namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>Processes that are killed before or after a system call of the thread that waits for everybody in them: the guard, or a service thread without a roster.</summary>
/// <remarks>With <c>EVERY_CALL=1</c> no call is left out; otherwise most are, chosen by a fixed seed: each needs a process.</remarks>
public sealed class KillingServiceThreads(ITestOutputHelper output) : TwoParticipants
{
    /// <summary>Where the tracer says that it has begun.</summary>
    private const long Begun = Memory.Data + 2048;

    private static readonly bool s_every = Environment.GetEnvironmentVariable("EVERY_CALL") == "1";

    [SkippableTheory]
    [InlineData("serve", "shm guard")]
    [InlineData("serve-alone", "shm wait")]
    [Rule("killed.service")]
    public void Killed_at_a_system_call_of_the_thread_that_waits_for_all(string command, string thread)
    {
        var random = new Random(20261127);
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        var semaphore = SharedSemaphore.At(Mapping, Memory.Semaphore, 0);
        var signal = SharedEvent.At(Mapping, Memory.Event, EventResetMode.AutoReset);
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        var isDone = false;
        int point = 0, killed = 0;
        for (; !isDone; point += s_every ? 1 : 1 + random.Next(24))
        {
            Assert.InRange(point, 0, 400);
            var hold = mutex.Enter();
            using var victim = Partner.Start(command, Memory.Name);
            Assert.Equal("ready", victim.ReadLine());
            using var tracer = Trace(victim.ProcessId, thread, point);
            victim.Tell("");
            // What it waits for comes, unless it is dead by then.
            var isWaiting = Line(victim) == "waiting";
            var blocked = Task.Run(() => Enter(SharedMutex.At(OtherRoster, OtherMapping, Memory.Mutex)));
            hold.Dispose();
            semaphore.Release();
            signal.Set();
            count.NotifyAll();
            using (var again = Memory.MapAgain())
            {
                Roster.Join(again).Dispose();
            }

            isDone = isWaiting && Line(victim) == "served";
            victim.Kill();
            Assert.Equal("killed", tracer.ReadLine());
            killed += isDone ? 0 : 1;
            // Whoever waits here gets in, and so does the next; what the dead process had taken is lost, and nothing else.
            _ = Result(blocked);
            Enter(mutex);
            Assert.False(Enter(mutex));
            semaphore.Release();
            semaphore.Wait();
            signal.Set();
            signal.Wait();
            Watchdog.Until(() => Roster.GetParticipants().Count == 2, "the end of the victim");
            Assert.InRange(semaphore.CurrentCount, 0, 1);
            while (semaphore.TryWait())
            {
            }

            signal.Reset();
        }

        Assert.True(killed > 0, "It was never killed.");
        output.WriteLine($"{command}: done after {point} stops, killed {killed} times.");
    }

    /// <summary>The next line of a process; null: it was killed.</summary>
    private static string? Line(Peer victim)
    {
        try
        {
            return victim.ReadLine();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private Peer Trace(int process, string thread, int point)
    {
        var number = "";
        Watchdog.Until(() => (number = Find(process, thread)) is not null, $"the thread '{thread}'");
        Memory.Store(Begun, 0);
        var tracer = Peer.Run(
            CCompilation.Build("cc", "tracer.c"), number!, "calls", point.ToString(CultureInfo.InvariantCulture), "/dev/shm/" + Memory.Name, Begun.ToString(CultureInfo.InvariantCulture));
        Skip.If(tracer.ReadLine() == "refused", "This machine lets no process be traced.");
        return tracer;
    }

    private static string? Find(int process, string thread) =>
        Directory.EnumerateDirectories($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/task").FirstOrDefault(task => File.ReadAllText(Path.Combine(task, "comm")).Trim() == thread) is { } found
            ? Path.GetFileName(found) : null;
}
