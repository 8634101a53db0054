using System.Text.Json;
using Posix.SharedMemory.Bridge.Tests.Bridging;
using Posix.SharedMemory.Bridge.Tests.Nats;
using Posix.SharedMemory.Bridge.Tool;

namespace Posix.SharedMemory.Bridge.Tests.Tool;

/// <summary>What the command takes, prints and returns.</summary>
public sealed class Asking
{
    [Fact]
    [Rule("bridge-tool.help")]
    public void Help_has_examples_and_exit_codes()
    {
        var (code, output, errors) = ShmBridge.Run("--help");
        Assert.Equal((0, ""), (code, errors));
        Assert.Contains("shm-bridge nats://hub:4222 --export 'camera.*' --import 'plan.*'", output, StringComparison.Ordinal);
        Assert.Contains("Exit codes:", output, StringComparison.Ordinal);
        foreach (var option in new[] { "--export", "--import", "--latest", "--host", "--creds", "--tls", "--log", "--prometheus", "--config" })
        {
            Assert.Contains(option, output, StringComparison.Ordinal);
        }
    }

    [Theory]
    [Rule("bridge-tool.usage")]
    [InlineData("nothing is named")]
    [InlineData("--export", "--export")]
    [InlineData("--nonsense", "--export", "x", "--nonsense")]
    [InlineData("--mode 9", "--export", "x", "--mode", "9")]
    [InlineData("--latest x@fast", "--export", "x", "--latest", "x@fast")]
    [InlineData("no-such-file", "--export", "x", "--config", "/tmp/no-such-file")]
    [InlineData("'nats://hub:notaport' is not the address of a server", "nats://user:secret@hub:notaport", "--export", "x")]
    [InlineData("'http://hub' is not the address of a server", "user:secret@hub,http://user:secret@hub", "--export", "x")]
    [InlineData("'' is not the address of a server", "", "--export", "x")]
    [InlineData("A window", "--export", "x", "--window", "1")]
    public void Wrong_usage_is_one_line_and_exit_code_2(string part, params string[] words)
    {
        var (code, output, errors) = ShmBridge.Run(words);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith("shm-bridge: ", errors, StringComparison.Ordinal);
        Assert.Contains(part, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", errors, StringComparison.Ordinal);
        Assert.Equal(1, errors.AsSpan().Count('\n'));
    }

    [Theory]
    [Rule("bridge-tool.usage")]
    [InlineData("export", """{ "exprot": ["x"] }""", "exprot")]
    [InlineData("syntax", """{ "export": [ }""", "line 1")]
    [InlineData("delivery", """{ "export": ["x"], "delivery": "Sometimes" }""", "line 1")]
    [InlineData("null", "null", "object")]
    [InlineData("no route", """{ "export": ["x"], "routes": [null] }""", "route")]
    [InlineData("no pattern", """{ "export": ["x"], "routes": [{ "delivery": "Latest" }] }""", "pattern")]
    [InlineData("no name", """{ "export": [null] }""", "pattern")]
    [InlineData("window", """{ "export": ["x"], "windowBytes": 1 }""", "window")]
    public void A_file_that_is_wrong_is_one_line_that_names_it(string what, string json, string part)
    {
        using var directory = TemporaryDirectory.InMemory();
        var path = Path.Combine(directory.Path, what + ".json");
        File.WriteAllText(path, json);
        var (_, settled, failure) = Settle("--config", path);
        Assert.True(failure is not null || settled is not null);
        var message = failure ?? Assert.ThrowsAny<ArgumentException>(() => settled!.Bridge.Validate()).Message;
        Assert.Contains(part, message, StringComparison.Ordinal);
    }

    [Fact]
    [Rule("bridge-tool.settings")]
    public void The_command_line_comes_before_the_file_and_the_file_before_the_defaults()
    {
        using var directory = TemporaryDirectory.InMemory();
        var path = Path.Combine(directory.Path, "bridge.json");
        File.WriteAllText(
            path,
            """
            {
              // Comments are allowed.
              "url": "nats://hub:4222", "host": "rack", "export": ["a"], "import": ["b"], "routes": [{ "pattern": "pose.*", "delivery": "Latest", "maxRate": 50 }],
              "windowBytes": 1000000, "chunkBytes": 65536, "batchDelayMicroseconds": 0, "permissions": "0660", "log": "json", "prometheus": 9000, "tls": true, "creds": "/etc/creds",
            }
            """);
        var settings = Settle("--config", path, "--host", "other", "--export", "x", "--export", "y", "--latest", "v@20").Settings!;
        Assert.Equal(("nats://hub:4222", "other"), (settings.Url, settings.Bridge.Host));
        Assert.Equal(["x", "y"], settings.Bridge.Export);
        Assert.Equal(["b"], settings.Bridge.Import);
        Assert.Equal([("v", 20.0), ("pose.*", 50.0)], settings.Bridge.Routes.Select(route => (route.Pattern, route.MaxRate)));
        Assert.Equal((1_000_000, 65536, TimeSpan.Zero), (settings.Bridge.WindowBytes, settings.Bridge.ChunkBytes, settings.Bridge.BatchDelay));
        Assert.Equal((UnixFileMode)Convert.ToInt32("660", 8), settings.Bridge.Permissions);
        Assert.Equal((LogFormat.Json, 9000), (settings.Log, settings.Prometheus));
        var connection = settings.ToConnection(new(null, null, "secret"));
        Assert.Equal(("secret", "/etc/creds", global::NATS.Client.Core.TlsMode.Require), (connection.AuthOpts.Token, connection.AuthOpts.CredsFile, connection.TlsOpts.Mode));
        Assert.Equal(new BridgeOptions().ImportLimitBytes, settings.Bridge.ImportLimitBytes);
    }

    [SkippableFact]
    [Rule("bridge-tool.server")]
    public async Task A_server_that_cannot_be_reached_is_exit_code_1_and_a_wrong_password_too()
    {
        await using var server = new NatsServer("--user", "u", "--pass", "right");
        var (code, _, errors) = ShmBridge.Run(server.Url, "--export", "nothing");
        Assert.Equal(1, code);
        Assert.StartsWith("shm-bridge: ", errors, StringComparison.Ordinal);
        Assert.Contains("uthorization", errors, StringComparison.Ordinal);
        await server.BreakAsync();
        (code, _, errors) = ShmBridge.Run(server.Url, "--export", "nothing");
        Assert.Equal(1, code);
        Assert.Contains(server.Url, errors, StringComparison.Ordinal);
        Assert.Contains("Connection refused", errors, StringComparison.Ordinal);
    }

    [SkippableFact]
    [Rule("bridge-tool.ls")]
    public async Task Ls_shows_what_hosts_announce()
    {
        await using var server = new NatsServer();
        await using var hosts = await TwoHosts.StartAsync(server, a => a with { Routes = [new("pose", BridgeDelivery.Latest)] });
        using var source = hosts.CreateSource("camera.front");
        using var pose = LatestBytes.Create(hosts.NameOnA("pose"));
        using var writer = source.OpenWriter();
        writer.Write("hello"u8);
        writer.Complete();
        Watchdog.Until(() => hosts.A.GetChannels().Count(channel => channel.IsCompleted || channel.Name == "pose") == 2, "both exports");
        var (code, output, errors) = ShmBridge.Run("ls", server.Url);
        Assert.Equal((0, ""), (code, errors));
        var rows = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(row => row.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToArray();
        Assert.Equal(["CHANNEL", "HOST", "KIND", "DELIVERY", "MESSAGES", "RATE/S", "LOST", "STATE"], rows[0]);
        Assert.Equal(("camera.front", "Message", "Stream", "1", "completed"), (rows[1][0], rows[1][2], rows[1][3], rows[1][4], rows[1][7]));
        Assert.Equal(("pose", "Latest", "Latest", "open"), (rows[2][0], rows[2][2], rows[2][3], rows[2][7]));
    }

    [Fact]
    [Rule("bridge-tool.ls")]
    public void Channels_are_printed_as_a_table_or_as_JSON_and_none_is_a_sentence()
    {
        AnnouncedChannel[] channels = [new() { Name = "camera.front", Host = "a" }, new() { Name = "pose\n", Host = "a", Rate = 2.5 }];
        Assert.Equal("no host announces a channel\n", Print(LogFormat.Text));
        Assert.Equal("", Print(LogFormat.Json));
        Assert.Equal(3, Print(LogFormat.Text, channels).AsSpan().Count('\n'));
        Assert.Equal(["camera.front", "pose\n"], Print(LogFormat.Json, channels).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("channel").GetString()));

        static string Print(LogFormat format, params AnnouncedChannel[] channels)
        {
            using var output = new StringWriter();
            new ChannelTable(output, format).Print(channels);
            return output.ToString();
        }
    }

    [SkippableFact]
    [Rule("bridge-tool.run")]
    public async Task It_bridges_until_a_signal_and_prints_losses_and_metrics()
    {
        await using var server = new NatsServer("--user", "u", "--pass", "right");
        using var prefix = new TemporaryName("tool");
        using var sending = WithSecrets(server.Url, "--host", prefix + "-a", "--name-prefix", prefix + "-a-", "--export", "*", "--log", "json", "--prometheus", "0", "--window", "4096");
        using var taking = WithSecrets(server.Url, "--host", prefix + "-b", "--name-prefix", prefix + "-b-", "--import", "*", "--window", "4096");
        var started = JsonDocument.Parse(sending.ReadLine()).RootElement;
        Assert.Equal("started", started.GetProperty("event").GetString());
        Assert.Contains("bridging", taking.ReadLine(), StringComparison.Ordinal);
        using var source = MessageChannel.Create(prefix + "-a-x", new() { Capacity = 4096 });
        using var writer = source.OpenWriter();
        MessageChannel? target = null;
        Watchdog.Until(() => (target = TwoHosts.TryOpen(prefix + "-b-x")) is not null, "the channel to appear");
        using var appeared = target;
        using var reader = target!.OpenReader(new() { Restart = PeerRestart.Wait });
        // A publication that takes two seconds, as on a machine that has no time for it, is given up.
        var sent = 0;
        Watchdog.Until(
            () =>
            {
                Traffic.WriteNumberAsync(writer, ++sent, 20).GetAwaiter().GetResult();
                return reader.WaitToRead(TimeSpan.FromSeconds(5));
            },
            "a message");
        Assert.InRange(BitConverter.ToInt64(Traffic.ReadOne(reader).Bytes), 1, sent);
        using (var http = new HttpClient())
        {
            var address = $"http://127.0.0.1:{started.GetProperty("prometheus").GetInt32()}";
            Assert.Equal("connected\n", await http.GetStringAsync(address + "/health"));
            Watchdog.Until(() => http.GetStringAsync(address + "/metrics").GetAwaiter().GetResult().Contains($"shm_bridge_messages_total{{channel=\"x\",direction=\"export\"}} ", StringComparison.Ordinal), "the count of messages");
        }

        // Nobody reads: what the importer cannot take is lost in the ring of the exporter, and printed.
        for (var number = sent + 1; number <= 200; number++)
        {
            await Traffic.WriteNumberAsync(writer, number, 500);
        }

        var places = new List<string?>();
        do
        {
            var loss = JsonDocument.Parse(sending.ReadLine()).RootElement;
            Assert.Equal(("lost", "x"), (loss.GetProperty("event").GetString(), loss.GetProperty("channel").GetString()));
            places.Add(loss.GetProperty("place").GetString());
        }
        while (places[^1] != "LocalRing" && places.Count < 10);
        Assert.Equal("LocalRing", places[^1]);
        foreach (var bridge in new[] { sending, taking })
        {
            using var kill = System.Diagnostics.Process.Start("kill", ["-TERM", $"{bridge.ProcessId}"]);
            await kill.WaitForExitAsync();
            var (code, output, errors) = bridge.Finish();
            Assert.Equal((0, ""), (code, errors));
            Assert.Contains("ended", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Rule("bridge-tool.run")]
    public void Metrics_tell_the_places_of_losses_apart()
    {
        var report = new ChannelReport(new(), "x", BridgeDirection.Import);
        report.Lost(1, 3, LossPlace.LocalRing);
        report.Lost(4, 4, LossPlace.Wire);
        report.Lost(5, 9, LossPlace.RemoteRing);
        report.Lost(10, 10, LossPlace.Wire);
        var described = report.Describe("a", isCompleted: false);
        Assert.Equal((10, 3, 2, 5), (described.Lost, described.LostInLocalRing, described.LostOnWire, described.LostInRemoteRing));
        var page = MetricsPage.Describe([described], isConnected: true);
        foreach (var (place, count) in new[] { ("LocalRing", 3), ("Wire", 2), ("RemoteRing", 5) })
        {
            Assert.Contains($"\nshm_bridge_lost_total{{channel=\"x\",direction=\"import\",place=\"{place}\"}} {count}\n", page, StringComparison.Ordinal);
        }

        Assert.Contains("\nshm_bridge_messages_total{channel=\"x\",direction=\"import\"} 0\n", page, StringComparison.Ordinal);
    }

    private static Peer WithSecrets(params string[] words) => Peer.Run("env", ["SHM_BRIDGE_USER=u", "SHM_BRIDGE_PASSWORD=right", ShmBridge.Program, .. words]);

    private static (int Errors, BridgeSettings? Settings, string? Failure) Settle(params string[] words)
    {
        var arguments = new BridgeArguments();
        try
        {
            var given = arguments.Command.Parse(words);
            return (given.Errors.Count, arguments.Settle(given), null);
        }
        catch (UsageException e)
        {
            return (0, null, e.Message);
        }
    }
}
