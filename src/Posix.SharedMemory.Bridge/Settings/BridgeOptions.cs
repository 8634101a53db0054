namespace Posix.SharedMemory.Bridge;

/// <summary>What a bridge carries, and how.</summary>
public sealed record BridgeOptions
{
    private const int MostChunk = 64 << 20;

    /// <summary>Gets the name of this host, the same on no other host of the network. The default is the machine's name.</summary>
    public string Host { get; init; } = Environment.MachineName;

    /// <summary>Gets the channels that are sent to other hosts: patterns over names, in which <c>*</c> is any number of any characters. The bridge becomes their reader. Nothing is sent that is not named.</summary>
    public IReadOnlyList<string> Export { get; init; } = [];

    /// <summary>Gets the channels that are taken from other hosts: patterns as in <see cref="Export"/>. The bridge creates them and is their writer.</summary>
    public IReadOnlyList<string> Import { get; init; } = [];

    /// <summary>Gets how exported channels travel. The default is <see cref="BridgeDelivery.Stream"/>.</summary>
    public BridgeDelivery Delivery { get; init; } = BridgeDelivery.Stream;

    /// <summary>Gets how the exported channels of a pattern travel; the first pattern that fits decides.</summary>
    public IReadOnlyList<BridgeRoute> Routes { get; init; } = [];

    /// <summary>Gets how many bytes of a channel may be under way: sent, and not yet in the rings of all importers. An importer that falls behind holds as many. The default is 32 MiB.</summary>
    public long WindowBytes { get; init; } = 32 << 20;

    /// <summary>Gets how many bytes of a message are sent at once, if the engine takes as many. The default is 512 KiB.</summary>
    public int ChunkBytes { get; init; } = 512 << 10;

    /// <summary>Gets how long a small message waits for others that are sent with it. The default is 200 µs; zero: each message is sent alone.</summary>
    public TimeSpan BatchDelay { get; init; } = TimeSpan.FromMicroseconds(200);

    /// <summary>Gets the exact permissions of the channels that are created. By default only the owner may read and write.</summary>
    public UnixFileMode Permissions { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// Gets how many bytes all channels that are created may have together. Any program on the network may announce channels; what exceeds this is refused, and so is what exceeds a thousand
    /// channels. The default is 1 GiB. Beside it each channel takes up to <see cref="WindowBytes"/> while its reader does not keep up.
    /// </summary>
    public long ImportLimitBytes { get; init; } = 1 << 30;

    /// <summary>Gets what the names of channels begin with on this host, and on no other: with it, two bridges on one machine are two hosts. Empty by default.</summary>
    public string NamePrefix { get; init; } = "";

    /// <summary>Checks the options, as the constructor of <see cref="ChannelBridge"/> does. Call it before you connect to an engine for them.</summary>
    /// <exception cref="ArgumentException">One is out of its range.</exception>
    /// <example>
    /// <code><![CDATA[
    /// new BridgeOptions { Export = ["camera.*"] }.Validate();
    /// ]]></code>
    /// </example>
    public void Validate() => Check(this);

    /// <summary>Checks the options.</summary>
    /// <exception cref="ArgumentException">One is out of its range.</exception>
    internal static BridgeOptions Check(BridgeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Require(!string.IsNullOrEmpty(options.Host) && System.Text.Encoding.UTF8.GetByteCount(options.Host) <= 64, "A host has a name of 1 to 64 bytes.");
        Require(!options.Host.EnumerateRunes().Contains(System.Text.Rune.ReplacementChar), "The name of a host is valid Unicode.");
        Require(options.NamePrefix is not null && !options.NamePrefix.AsSpan().ContainsAny('/', '\0'), "A prefix of names has no slash and no NUL.");
        foreach (var pattern in (options.Export ?? throw Bad("Export is null.")).Concat(options.Import ?? throw Bad("Import is null.")).Concat((options.Routes ?? throw Bad("Routes is null.")).Select(route => route is null ? throw Bad("A route is null.") : route.Pattern)))
        {
            Require(!string.IsNullOrEmpty(pattern) && !pattern.AsSpan().ContainsAny('/', '\0'), "A pattern is not empty and has no slash and no NUL.");
        }

        Require(Enum.IsDefined(options.Delivery) && options.Routes.All(route => Enum.IsDefined(route.Delivery)), "The delivery is not defined by the enumeration.");
        Require(options.Routes.All(route => double.IsFinite(route.MaxRate) && route.MaxRate >= 0), "A rate is not negative.");
        Require(options.WindowBytes is >= 4096 and <= int.MaxValue, "A window has 4 KiB to 2 GiB.");
        Require(options.ChunkBytes is >= 1024 and <= MostChunk, "A chunk has 1 KiB to 64 MiB.");
        Require(options.BatchDelay >= TimeSpan.Zero && options.BatchDelay <= TimeSpan.FromSeconds(1), "The delay of a batch is at most a second, and not negative.");
        Require(options.ImportLimitBytes >= 0, "A limit is not negative.");
        return options;

        void Require(bool holds, string rule)
        {
            if (!holds)
            {
                throw Bad(rule);
            }
        }

        ArgumentException Bad(string rule) => new(rule, nameof(options));
    }

    internal bool Exports(string channel) => Export.Any(pattern => ChannelPattern.Matches(pattern, channel));

    internal bool Imports(string channel) => Import.Any(pattern => ChannelPattern.Matches(pattern, channel));

    internal BridgeRoute RouteOf(string channel) => Routes.FirstOrDefault(route => ChannelPattern.Matches(route.Pattern, channel)) ?? new(channel, Delivery);
}
