using System.Diagnostics;
using System.Globalization;
using Posix.SharedMemory.Bridge.Tests.Nats;
using Posix.SharedMemory.Bridge.Tests.Peers;
using Xunit.Abstractions;

namespace Posix.SharedMemory.Bridge.Tests.Tool;

/// <summary>The server, both bridges, the process that writes and those that read are killed in a random order, for BRIDGE_SOAK_SECONDS; with 1, each once.</summary>
public sealed class Soaking : IDisposable
{
    private const string Stream = "stream", Durable = "durable";

    private static readonly string[] s_victims = ["server", "exporter", "importer", "producer", "reader of " + Stream, "reader of " + Durable];

    private readonly ITestOutputHelper _output;
    private readonly Random _random;
    private readonly TemporaryName _prefix = new("soak");
    private readonly TemporaryDirectory _logs = TemporaryDirectory.InMemory();
    private readonly LossLines _losses = new();
    private readonly List<Peer> _ended = [];
    private readonly Dictionary<string, Peer> _living = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _kills = s_victims.ToDictionary(victim => victim, _ => 0, StringComparer.Ordinal);
    private NatsServer _server = null!;

    public Soaking(ITestOutputHelper output)
    {
        _output = output;
        var seed = Environment.TickCount;
        _random = new(seed);
        output.WriteLine($"seed {seed}");
    }

    public void Dispose()
    {
        foreach (var peer in _living.Values.Concat(_ended))
        {
            peer.Dispose();
        }

        _logs.Dispose();
        foreach (var name in new[] { "-a-" + Stream, "-a-" + Durable, "-b-" + Stream, "-b-" + Durable })
        {
            new TemporaryName(_prefix, name).Dispose();
        }
    }

    [SkippableFact]
    [Rule("bridge.killed")]
    [Rule("bridge.durable")]
    public async Task Whatever_is_killed_no_byte_is_wrong_every_loss_is_reported_and_nothing_durable_is_lost_or_comes_twice()
    {
        Skip.If(Effort.BridgeSoakSeconds == 0, "BRIDGE_SOAK_SECONDS says for how long; it is not set");
        await using var server = NatsServer.Keeping();
        _server = server;
        foreach (var process in s_victims[1..])
        {
            Start(process);
        }

        // What was sent before the import had begun is not missing.
        Watchdog.Until(
            () =>
            {
                RequireAllToLive();
                return Workers.ReadLog(LogOf(Stream)).Count > 0 && Workers.ReadLog(LogOf(Durable)).Count > 0;
            },
            "the first messages to arrive");
        await KillAtRandomAsync();
        var written = End();
        _output.WriteLine($"killed: {string.Join(", ", _kills.Select(kill => $"{kill.Key} {kill.Value}"))}");
        Judge(Stream, written.Stream);
        Assert.Equal(0, Judge(Durable, written.Durable));
    }

    private async Task KillAtRandomAsync()
    {
        var clock = Stopwatch.StartNew();
        do
        {
            var victims = s_victims.ToArray();
            _random.Shuffle(victims);
            foreach (var victim in victims)
            {
                await Task.Delay(_random.Next(Effort.BridgeSoakSeconds > 1 ? 2000 : 200));
                RequireAllToLive();
                _kills[victim]++;
                _output.WriteLine($"{clock.Elapsed.TotalSeconds:F3} {victim}");
                await KillAsync(victim);
            }
        }
        while (clock.Elapsed.TotalSeconds < Effort.BridgeSoakSeconds);
    }

    private async Task KillAsync(string victim)
    {
        if (victim == "server")
        {
            // A bridge that begins without a server ends.
            Watchdog.Until(() => _losses.HasBegun(_living["exporter"]) && _losses.HasBegun(_living["importer"]), "the bridges to be connected");
            await _server.BreakAsync();
            await Task.Delay(_random.Next(100));
            await _server.RestoreAsync();
            return;
        }

        _living[victim].Kill();
        _ended.Add(_living[victim]);
        Start(victim);
    }

    private void Start(string process)
    {
        _living[process] = process switch
        {
            "exporter" => Bridge("a", "--export", "--durable", Durable, "--chunk", "65536"),
            "importer" => Bridge("b", "--import"),
            "producer" => Self("produce", _prefix + "-a-" + Stream, _prefix + "-a-" + Durable),
            _ => Self("consume", LogOf(process[10..]), _prefix + "-b-" + process[10..]),
        };
    }

    private void RequireAllToLive()
    {
        foreach (var (process, peer) in _living)
        {
            Assert.True(!peer.HasExited, peer.HasExited ? $"the {process} has ended: {peer.Finish()}" : "");
        }
    }

    /// <summary>Lets the writer end, and waits until the readers have read to the end.</summary>
    /// <returns>How many messages were written.</returns>
    private (long Stream, long Durable) End()
    {
        // A ring that was completed loses its name once it was read: its readers are there before.
        foreach (var channel in new[] { Stream, Durable })
        {
            Assert.Equal("open", _living["reader of " + channel].ReadLine());
        }

        _living["producer"].Tell("end");
        Assert.Equal("open", _living["producer"].ReadLine());
        var written = (Number(), Number());
        foreach (var channel in new[] { Stream, Durable })
        {
            var (exitCode, _, errors) = _living["reader of " + channel].Finish();
            Assert.True(exitCode == 0, errors);
        }

        return written;

        long Number() => long.Parse(_living["producer"].ReadLine(), CultureInfo.InvariantCulture);
    }

    /// <summary>Requires that every message has come in order and once, or was reported as lost. One that its reader held when it was killed comes again, and says so.</summary>
    /// <returns>How many were lost.</returns>
    private int Judge(string channel, long written)
    {
        var came = Workers.ReadLog(LogOf(channel));
        var first = channel == Durable ? 1 : came[0].Number;
        var last = first - 1;
        foreach (var (number, isRedelivered) in came)
        {
            Assert.True(number > last || (isRedelivered && number == last), $"{channel}: {number} came after {last}");
            last = number;
        }

        Assert.True(last <= written, $"{channel}: {last} came, and {written} were written");
        var numbers = came.Select(message => message.Number).ToHashSet();
        var missing = Enumerable.Range((int)first, (int)(written - first + 1)).Select(number => (long)number).Where(number => !numbers.Contains(number)).ToList();
        Watchdog.Until(() => _losses.Unreported(channel, missing).Count == 0, $"all losses of {channel} to be reported; not reported: {string.Join(' ', _losses.Unreported(channel, missing).Order().Take(50))}; reported: {string.Join(' ', _losses.All)}");
        _output.WriteLine($"{channel}: {written} written, {missing.Count} lost and reported, {came.Count(message => message.IsRedelivered)} came again to the reader after the one that was killed{(channel == Durable ? string.Concat(_losses.All.Where(loss => loss.Channel == channel).Select(loss => $"; {loss}")) : "")}");
        return missing.Count;
    }

    private string LogOf(string channel) => _logs.File(channel);

    private Peer Bridge(string host, params string[] words) =>
        _losses.Listen(ShmBridge.Start([_server.Url, "--host", $"{_prefix}-{host}", "--name-prefix", $"{_prefix}-{host}-", words[0], "*", .. words[1..]]));

    private static Peer Self(params string[] words) => Peer.Run(Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.Bridge.Tests"), words);
}
