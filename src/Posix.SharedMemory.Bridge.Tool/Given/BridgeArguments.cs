using System.CommandLine;
using System.Globalization;

namespace Posix.SharedMemory.Bridge.Tool;

/// <summary>The words of the command line. What they do not say is taken from the file, and then from the defaults.</summary>
internal sealed class BridgeArguments
{
    private readonly Argument<string?> _url = new("URL") { Arity = ArgumentArity.ZeroOrOne, Description = "Where the server is, such as nats://hub:4222; several are separated by commas. Default: nats://127.0.0.1:4222" };
    private readonly Option<string[]> _export = Many("--export", "Send the channels of this pattern to other hosts: a name, in which * is any number of any characters");
    private readonly Option<string[]> _import = Many("--import", "Take the channels of this pattern from other hosts");
    private readonly Option<string[]> _latest = Many("--latest", "Of these channels send only the newest message, PATTERN@HZ at most so many times a second");
    private readonly Option<string[]> _durable = Many("--durable", "Lose nothing of these channels: JetStream keeps their messages until they have arrived, and their writers may have to wait");
    private readonly Option<string?> _host = One("--host", "The name of this host, the same on no other. Default: the machine's name");
    private readonly Option<long?> _window = new("--window") { Description = "How many bytes of a channel may be under way. Default: 33554432", HelpName = "BYTES" };
    private readonly Option<int?> _chunk = new("--chunk") { Description = "How many bytes of a message are sent at once. Default: 524288", HelpName = "BYTES" };
    private readonly Option<int?> _batch = new("--batch-delay") { Description = "How long a small message waits for others. Default: 200; 0: it is sent alone", HelpName = "MICROSECONDS" };
    private readonly Option<string?> _mode = One("--mode", "Permissions of channels that are created, octal. Default: 0600");
    private readonly Option<long?> _limit = new("--import-limit") { Description = "How many bytes all channels that are created may have together. Default: 1073741824", HelpName = "BYTES" };
    private readonly Option<string?> _prefix = One("--name-prefix", "What names begin with on this host, and on no other");
    private readonly Option<string?> _creds = One("--creds", "The file with the credentials for the server");
    private readonly Option<bool> _tls = new("--tls") { Description = "Require TLS" };
    private readonly Option<string?> _ca = One("--tls-ca", "The file with the certificates to trust");
    private readonly Option<string?> _cert = One("--tls-cert", "The file with the certificate of this client");
    private readonly Option<string?> _key = One("--tls-key", "The file with its key");
    private readonly Option<LogFormat?> _log = new("--log") { Description = "How lines are printed. Default: text", HelpName = "text|json" };
    private readonly Option<int?> _prometheus = new("--prometheus") { Description = "Serve metrics on http://127.0.0.1:PORT/metrics, and /health", HelpName = "PORT" };
    private readonly Option<string?> _config = One("--config", "Read what is not given here from this JSON file");

    private readonly Command _list = new("ls", "List the channels that hosts announce, with their rates and losses; --log json prints an object a line");

    internal RootCommand Command { get; }

    internal BridgeArguments()
    {
        Command = new RootCommand(
            """
            Carries channels of this machine to others, and channels of others to this one, over NATS.

            Nothing is carried that is not named by --export, --import or the file. Every loss is a line: lost CHANNEL FIRST..LAST at PLACE.
            Secrets come from the environment: SHM_BRIDGE_USER and SHM_BRIDGE_PASSWORD, or SHM_BRIDGE_TOKEN.
            Exit codes: 0 ended by SIGINT or SIGTERM, 1 the server cannot be used, 2 wrong usage.

            Examples:
              shm-bridge nats://hub:4222 --export 'camera.*' --import 'plan.*'
              shm-bridge nats://hub:4222 --export '*' --latest 'pose.*@50' --log json
              shm-bridge nats://hub:4222 --export 'orders' --durable 'orders'
              shm-bridge --config /etc/shm-bridge.json --prometheus 9464
              shm-bridge ls nats://hub:4222
            """)
        {
            _list, _url, _export, _import, _latest, _durable, _host, _window, _chunk, _batch, _mode, _limit, _prefix, _creds, _tls, _ca, _cert, _key, _log, _prometheus, _config,
        };

        // The parser requires a subcommand of a command that does nothing itself.
        Command.SetAction(static _ => ExitCode.Done);
        _list.SetAction(static _ => ExitCode.Done);

        // The words that say where the server is, and how to print.
        foreach (var word in (Symbol[])[_url, _creds, _tls, _ca, _cert, _key, _log, _config])
        {
            if (word is Argument argument)
            {
                _list.Add(argument);
            }
            else
            {
                _list.Add((Option)word);
            }
        }
    }

    /// <summary>Whether the parser answers itself: help, or the version.</summary>
    internal bool IsAnswered(ParseResult given) => given.Action != Command.Action && given.Action != _list.Action;

    /// <summary>Whether channels are to be listed, and nothing carried.</summary>
    internal bool Lists(ParseResult given) => given.CommandResult.Command == _list;

    /// <summary>Puts together what was given here, in the file and by default.</summary>
    /// <exception cref="UsageException">Something is wrong.</exception>
    internal BridgeSettings Settle(ParseResult given)
    {
        // The parser takes an unknown option for the argument.
        if (given.GetValue(_url) is ['-', ..] word)
        {
            throw new UsageException($"unknown option '{word}' (see shm-bridge --help)");
        }

        var file = given.GetValue(_config) is { } path ? BridgeFile.Read(path) : new();
        var defaults = new BridgeOptions();
        var routes = (given.GetValue(_latest) ?? []).Select(RouteOf)
            .Concat((given.GetValue(_durable) ?? []).Select(pattern => new BridgeRoute(pattern, BridgeDelivery.Durable)))
            .Concat(file.Routes ?? []);
        return new()
        {
            Url = given.GetValue(_url) ?? file.Url ?? "nats://127.0.0.1:4222",
            Bridge = defaults with
            {
                Host = given.GetValue(_host) ?? file.Host ?? defaults.Host,
                Export = OrFile(given.GetValue(_export), file.Export),
                Import = OrFile(given.GetValue(_import), file.Import),
                Delivery = file.Delivery ?? defaults.Delivery,
                Routes = [.. routes],
                WindowBytes = given.GetValue(_window) ?? file.WindowBytes ?? defaults.WindowBytes,
                ChunkBytes = given.GetValue(_chunk) ?? file.ChunkBytes ?? defaults.ChunkBytes,
                BatchDelay = (given.GetValue(_batch) ?? file.BatchDelayMicroseconds) is { } delay ? TimeSpan.FromMicroseconds(delay) : defaults.BatchDelay,
                Permissions = (given.GetValue(_mode) ?? file.Permissions) is { } mode ? ModeOf(mode) : defaults.Permissions,
                ImportLimitBytes = given.GetValue(_limit) ?? file.ImportLimitBytes ?? defaults.ImportLimitBytes,
                NamePrefix = given.GetValue(_prefix) ?? file.NamePrefix ?? defaults.NamePrefix,
            },
            Creds = given.GetValue(_creds) ?? file.Creds,
            RequiresTls = given.GetValue(_tls) || file.Tls == true,
            TlsCa = given.GetValue(_ca) ?? file.TlsCa,
            TlsCert = given.GetValue(_cert) ?? file.TlsCert,
            TlsKey = given.GetValue(_key) ?? file.TlsKey,
            Log = given.GetValue(_log) ?? file.Log ?? LogFormat.Text,
            Prometheus = given.GetValue(_prometheus) ?? file.Prometheus,
        };
    }

    /// <summary>Reads <c>PATTERN</c> or <c>PATTERN@HZ</c>.</summary>
    private static BridgeRoute RouteOf(string text)
    {
        var at = text.LastIndexOf('@');
        return at < 0 ? new(text, BridgeDelivery.Latest)
            : double.TryParse(text.AsSpan(at + 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var rate) && rate > 0 ? new(text[..at], BridgeDelivery.Latest) { MaxRate = rate }
            : throw new UsageException($"--latest {text}: what follows the @ is not a number of messages a second");
    }

    private static UnixFileMode ModeOf(string text)
    {
        var mode = 0;
        foreach (var digit in text)
        {
            if (digit is < '0' or > '7' || (mode = (mode * 8) + digit - '0') > 511)
            {
                throw new UsageException($"--mode {text}: it is not an octal number up to 0777");
            }
        }

        return text.Length > 0 ? (UnixFileMode)mode : throw new UsageException("--mode: it is empty");
    }

    private static IReadOnlyList<string> OrFile(string[]? given, IReadOnlyList<string>? file) => given is { Length: > 0 } ? given : file ?? [];

    private static Option<string[]> Many(string name, string description) => new(name) { Description = description, HelpName = "PATTERN", Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false };

    private static Option<string?> One(string name, string description) => new(name) { Description = description, HelpName = name.StartsWith("--tls-", StringComparison.Ordinal) || name is "--creds" or "--config" ? "FILE" : name is "--mode" ? "MODE" : "NAME" };
}
