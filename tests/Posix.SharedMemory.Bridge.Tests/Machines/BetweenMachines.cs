using System.Globalization;

namespace Posix.SharedMemory.Bridge.Tests.Machines;

/// <summary>The whole chain between two machines: a process, a bridge, a server, a cable, a bridge, a process. STRESS_SECONDS from 10 on makes each test long.</summary>
public sealed class BetweenMachines
{
    private static bool IsLong => Effort.StressSeconds >= 10;

    [SkippableFact]
    [Rule("bridge.carry")]
    public void Everything_arrives_whole_and_in_order_from_a_process_on_one_machine_to_one_on_the_other()
    {
        using var machines = new TwoMachines();
        var run = new Run(machines, "16777216", "paced", "1000000", "20", "700", "100000", "2000000");
        // 200 MB, or a tenth of them.
        run.Send(IsLong ? 325 : 33);
        Assert.Empty(run.Finish());
        Assert.Empty(machines.Losses.All);
    }

    [SkippableFact]
    [Rule("bridge.killed")]
    public void Whatever_is_killed_in_the_middle_of_frames_costs_reported_frames_only()
    {
        using var machines = new TwoMachines(["--chunk", "16384"]);
        var run = new Run(machines, "4194304", "free", "500000", "30", "900000", "8000");
        run.SendAndKill(60);

        run.Finish();
    }

    [SkippableFact]
    [Rule("bridge.durable")]
    public void Of_a_durable_channel_everything_arrives_once_whatever_is_killed()
    {
        using var machines = new TwoMachines(["--durable", "*"], keeps: true);
        var run = new Run(machines, "4194304", "paced", "100000", "30", "300000", "8000");
        run.SendAndKill(40);

        Assert.Empty(run.Finish());
        Assert.Empty(machines.Losses.All);
    }

    [SkippableFact]
    [Rule("bridge.slow-consumer")]
    public void A_process_that_is_stopped_does_not_stop_the_other_machine_and_goes_on_when_it_is_woken()
    {
        using var machines = new TwoMachines(["--window", "1000000"]);
        var run = new Run(machines, "1048576", "free", "10000", "20", "50000");
        run.Send(50);
        run.Signal("STOP");
        // More than both rings and the window hold.
        run.Send(1000);
        Thread.Sleep(IsLong ? 10_000 : 100);
        run.Send(50);
        run.Signal("CONT");
        Assert.NotEmpty(run.Finish());
        Assert.Contains(machines.Losses.All, loss => loss.Place == "LocalRing");
    }

    [SkippableFact]
    [Rule("bridge.reconnect")]
    public void While_the_cable_is_out_the_writer_goes_on_and_each_loss_is_reported()
    {
        using var machines = new TwoMachines(["--window", "1000000"]);
        var run = new Run(machines, "1048576", "free", "10000", "20", "50000");
        run.Send(50);
        machines.Cable(isIn: false);
        run.Send(1000);
        Thread.Sleep(IsLong ? 3000 : 300);
        machines.Cable(isIn: true);
        run.Send(50);
        Assert.NotEmpty(run.Finish());
    }

    [SkippableFact]
    [Rule("bridge.unhindered")]
    public void A_cable_of_100_megabits_does_not_stop_the_writer_and_what_does_not_pass_is_reported()
    {
        using var machines = new TwoMachines(["--window", "1000000"]);
        machines.Slow(100);
        var run = new Run(machines, "1048576", "free", "100000");
        // Many times what the cable carries meanwhile.
        run.Send(IsLong ? 5000 : 1000);
        Assert.NotEmpty(run.Finish());
        Assert.Contains(machines.Losses.All, loss => loss.Place == "LocalRing");
        Assert.DoesNotContain(machines.Losses.All, loss => loss.Place == "Wire");
    }

    [SkippableFact]
    [Rule("bridge.loop")]
    public void Bridges_that_both_carry_everything_both_ways_carry_each_message_once()
    {
        using var machines = new TwoMachines(["--export", "*", "--import", "*"]);
        var run = new Run(machines, "1048576", "paced", "100", "20000");
        var back = machines.OnB("send", "back", "1048576", "paced", "300");
        Assert.Equal("open", back.ReadLine());
        var backReader = machines.OnA("receive", "back");
        Assert.Equal("open", backReader.ReadLine());
        back.Tell("100");
        run.Send(100);
        Assert.Equal("sent", back.ReadLine());
        back.Tell("end");
        Assert.Equal("received 100 last 100 missing", backReader.ReadLine());
        Assert.Empty(run.Finish());
        Assert.Empty(machines.Losses.All);
    }

    /// <summary>One channel from A to B, with a process at each end.</summary>
    private sealed class Run
    {
        private readonly TwoMachines _machines;
        private readonly Peer _sender;
        private readonly Peer _receiver;
        private long _sent;

        internal Run(TwoMachines machines, params string[] shape)
        {
            _machines = machines;
            _sender = machines.OnA(["send", "x", .. shape]);
            Assert.Equal("open", _sender.ReadLine());
            _receiver = machines.OnB("receive", "x");
            Assert.Equal("open", _receiver.ReadLine());
        }

        internal void Send(int count) => BeginToSend(count)();

        /// <summary>Begins to send messages.</summary>
        /// <returns>What waits until all of them are in the ring.</returns>
        internal Action BeginToSend(int count)
        {
            _sender.Tell(count.ToString(CultureInfo.InvariantCulture));
            _sent += count;
            return () => Assert.Equal("sent", _sender.ReadLine());
        }

        /// <summary>Sends so many messages each time that the server, the exporter and the importer are killed meanwhile.</summary>
        internal void SendAndKill(int count)
        {
            for (var round = 0; round < (IsLong ? 10 : 1); round++)
            {
                foreach (var kill in new[] { _machines.KillServer, _machines.KillExporter, _machines.KillImporter })
                {
                    var sending = BeginToSend(count);
                    Thread.Sleep(Random.Shared.Next(100));
                    kill();
                    sending();
                    _machines.AwaitBridges();
                }
            }
        }

        internal void Signal(string signal)
        {
            using var kill = Peer.Run("kill", "-" + signal, _receiver.ProcessId.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(0, kill.Finish().ExitCode);
        }

        /// <summary>Ends the channel, and requires that what has not arrived was reported, and what was reported has not arrived.</summary>
        /// <returns>What is missing.</returns>
        internal HashSet<long> Finish()
        {
            _sender.Tell("end");
            Assert.Equal(0, _sender.Finish().ExitCode);
            var said = _receiver.ReadLine().Split(' ');
            Assert.Equal(0, _receiver.Finish().ExitCode);
            var last = long.Parse(said[3], CultureInfo.InvariantCulture);
            var missing = said[5..].SelectMany(Numbers).Concat(Range(last + 1, _sent)).ToHashSet();
            Watchdog.Until(() => _machines.Losses.Unreported("x", missing).Count == 0, $"all of {missing.Count} missing messages to be reported: {string.Join(' ', said)}; {string.Join(' ', _machines.Losses.All)}");
            Assert.DoesNotContain(_machines.Losses.All, loss => Range(loss.First, loss.Last).Any(number => !missing.Contains(number)));
            return missing;
        }

        private static IEnumerable<long> Numbers(string range)
        {
            var ends = range.Split("..");
            return Range(long.Parse(ends[0], CultureInfo.InvariantCulture), long.Parse(ends[1], CultureInfo.InvariantCulture));
        }

        private static IEnumerable<long> Range(long first, long last)
        {
            for (var number = first; number <= last; number++)
            {
                yield return number;
            }
        }
    }
}
