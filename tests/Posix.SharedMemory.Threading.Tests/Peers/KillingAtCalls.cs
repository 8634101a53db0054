using System.Globalization;

namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>Walks over the system calls of a process, which is killed before and after each of them.</summary>
public abstract class KillingAtCalls : TwoParticipants
{
    /// <summary>In milliseconds; grows while the walk meets nobody.</summary>
    private int _patience = 20;

    /// <summary>Gets whether the last victim has done everything: there are no more calls.</summary>
    protected bool IsFinished { get; private set; }

    private protected static bool HasEnded(Partner victim) => !Directory.Exists($"/proc/{victim.Peer.ProcessId.ToString(CultureInfo.InvariantCulture)}/fd");

    /// <summary>Waits until the victim was killed, or has given all its answers: then there are no more calls.</summary>
    private protected void End(Partner victim, int answers)
    {
        try
        {
            for (var i = 0; i < answers; i++)
            {
                victim.ReadLine();
            }

            IsFinished = true;
            victim.Kill();
        }
        catch (InvalidOperationException)
        {
            // It was killed: its output has ended.
        }
    }

    /// <summary>Gives the victim time to sleep: it spins before, and whoever ends its wait at once spares it the calls that the walk is about.</summary>
    private protected void LetSleep() => Thread.Sleep(_patience);

    private protected void Walk(Action<Partner> run, params string[] before)
    {
        int last = 0, retries = 10;
        for (var point = 0; !IsFinished; point++)
        {
            Assert.True(point < 100);
            using var victim = Partner.Join(Memory, untilKilled: true);
            foreach (var act in before)
            {
                victim.Ask(act);
            }

            victim.Tell(string.Create(CultureInfo.InvariantCulture, $"kill at {point}"));
            try
            {
                run(victim);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Killed at point {point}: {e.Message}", e);
            }

            Watchdog.Until(() => Roster.GetParticipants().Count == 2, "the end of the victim");
            last = point;
            if (IsFinished && last == 0 && retries-- > 0)
            {
                // On a busy machine the other side can be so late that there was nothing to wait for.
                (IsFinished, point) = (false, -1);
                _patience *= 2;
            }
        }

        Assert.True(last > 0, "It was never killed.");
    }
}
