using System.Globalization;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary>Whether an object is a channel, and what it shows in words.</summary>
/// <param name="Status">What it shows; <see langword="null"/> if that cannot be read.</param>
/// <param name="Problem">Why it cannot be read; <see langword="null"/> if it can.</param>
internal sealed record ChannelLook(ChannelStatus? Status, string? Problem)
{
    /// <summary>What the columns and JSON call a channel of which nothing more is known.</summary>
    private const string UnknownKind = "channel";

    /// <summary>The words of all kinds of the format, by their numbers, also of those that this version cannot open.</summary>
    private static readonly string[] s_kinds = ["", "message", "connection", "broadcast", "latest", "frames", "fan-in"];

    /// <summary>Whether an object's length can be that of a channel: pages for the header and the endpoints, and data.</summary>
    internal static bool MayBe(SharedMemoryEntry entry) => entry.Length > 2 * 4096;

    /// <summary>Looks at an object.</summary>
    /// <returns><see langword="null"/>: it is not a channel.</returns>
    internal static ChannelLook? TryRead(SharedMemoryObject memory)
    {
        try
        {
            return ChannelStatus.TryRead(memory) is { } status ? new(status, null) : null;
        }
        catch (Exception e) when (e is InvalidDataException or ChannelException)
        {
            return new(null, EscapedText.InLine(e.Message).TrimEnd('.'));
        }
    }

    /// <summary>Gets the kind, as a word of the columns and of JSON.</summary>
    internal string Kind => Status is null ? UnknownKind : KindOf(Status.Kind);

    /// <summary>Gets how much of the ring is waiting to be read: 0 to 1; <see langword="null"/>: unknown, or there is no ring.</summary>
    internal double? Fill => Status is { Capacity: > 0, Kind: not ChannelKind.Latest } status ? Math.Round((double)status.Used / status.Capacity, 6) : null;

    /// <summary>Gets whether a process died that had an endpoint open, and no other has opened it since.</summary>
    internal bool HasDead => Status?.Endpoints.Any(endpoint => endpoint.State == PeerState.Died) == true;

    /// <summary>The fill, for people.</summary>
    internal string FillText => Fill is { } fill ? string.Create(CultureInfo.InvariantCulture, $"{100 * fill:0}%") : Status is null ? "?" : "";

    /// <summary>Which ends are open, in a column: W1 R1, W1 R died. The readers of a latest value have no endpoint.</summary>
    internal Cell Ends => Status is null ? "?" : new Cell(Status.Kind == ChannelKind.Latest ? EndsOf(EndpointRole.Writer, 'W') : $"{EndsOf(EndpointRole.Writer, 'W')} {EndsOf(EndpointRole.Reader, 'R')}", HasDead ? Ink.Red : Ink.Plain);

    /// <summary>What state it is in, in a line for people.</summary>
    internal string Summary => Status is null ? $"cannot be read: {Problem}" : string.Create(
        CultureInfo.InvariantCulture, $"{Kind}; {StateWord(Status.State)}; {Content}; {ByteSize.Count(Status.Messages, UnitOf(Status.Kind))}, {ByteSize.Short(Status.Bytes)} written");

    private string Content => Status!.Kind == ChannelKind.Latest ? $"the newest has {ByteSize.Count(Status.Used, "byte")}"
        : $"{ByteSize.Short(Status.Used)} of {ByteSize.Short(Status.Capacity)} {(Status.Kind == ChannelKind.Frames ? "in use" : "waiting")} ({FillText})";

    /// <summary>What a channel carries, one of them.</summary>
    internal static string UnitOf(ChannelKind kind) => kind switch
    {
        ChannelKind.Latest => "value",
        ChannelKind.Frames => "frame",
        _ => "message",
    };

    internal static string KindOf(ChannelKind kind) => (int)kind < s_kinds.Length ? s_kinds[(int)kind] : UnknownKind;

    internal static string StateWord(ChannelState state) => state switch
    {
        ChannelState.Open => "open",
        ChannelState.Completed => "completed",
        ChannelState.Aborted => "aborted",
        _ => "continued",
    };

    internal static string StateWord(PeerState state) => state switch
    {
        PeerState.Alive => "alive",
        PeerState.Died => "died",
        PeerState.Left => "left",
        _ => "never opened",
    };

    internal static string RoleWord(EndpointRole role) => role == EndpointRole.Writer ? "writer" : "reader";

    /// <summary>Prints the endpoints that are or were open, one a line.</summary>
    internal static void PrintEndpoints(Terminal terminal, ChannelStatus status)
    {
        var table = new Table(new("ROLE"), new("STATE"), new("PROCESS", IsNumber: true), new("OPENED", IsNumber: true, Spare: 1), new("LABEL"));
        var now = TimeProvider.System.GetUtcNow();
        foreach (var endpoint in status.Endpoints.Where(endpoint => endpoint.State != PeerState.None || status.Endpoints.Count <= 2))
        {
            var ink = endpoint.State switch { PeerState.Died => Ink.Red, PeerState.Alive => Ink.Plain, _ => Ink.Dim };
            table.Add(
                RoleWord(endpoint.Role), new(StateWord(endpoint.State), ink),
                endpoint.ProcessId is { } process ? process : (Cell)"", endpoint.OpenedAt is { } opened ? Age.Since(opened, now) : "", EscapedText.Of(endpoint.Label));
        }

        table.WriteTo(terminal);
    }

    private string EndsOf(EndpointRole role, char letter)
    {
        var states = Status!.Endpoints.Where(endpoint => endpoint.Role == role).Select(endpoint => endpoint.State).ToList();
        var alive = states.Count(state => state == PeerState.Alive);
        return !states.Contains(PeerState.Died) ? string.Create(CultureInfo.InvariantCulture, $"{letter}{alive}")
            : alive == 0 ? $"{letter} died" : string.Create(CultureInfo.InvariantCulture, $"{letter}{alive} and died");
    }
}
