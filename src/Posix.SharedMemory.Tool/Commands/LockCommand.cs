using System.CommandLine;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm lock</c>: what a named lock or a POSIX semaphore shows.</summary>
internal sealed class LockCommand : ShmCommand
{
    private readonly Argument<GivenName> _name = Given.Name("NAME", "The object: a named mutex, semaphore or event, an object that begins with a roster, or sem.NAME");
    private readonly Option<bool> _json = Given.Json();

    internal LockCommand()
        : base(
            "lock",
            "Show a named lock without touching it: its kind and state, which process holds it, whether any wait, and which processes took part or died.",
            "shm lock my-mutex",
            "shm lock sem.queue",
            "shm lock my-mutex --json | jq .lock.holder.pid")
    {
        Add(_name);
        Add(_json);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var entry = given.GetRequiredValue(_name).Find();
        NamedLockStatus? status;
        using (var memory = entry.Open())
        {
            status = NamedLockStatus.TryRead(memory);
        }

        if (status is null)
        {
            throw new CommandException($"{EscapedText.OfName(entry.NameBytes.Span)}: this is not a named lock, a roster or a POSIX semaphore; shm ls shows which objects are");
        }

        if (given.GetValue(_json))
        {
            var facts = new NamedLockFacts(NameText.Raw(entry.NameBytes.Span), NameText.EscapedOrNull(entry.NameBytes.Span), LockFacts.Of(status));
            JsonFacts.Write(terminal, facts, json => json.NamedLockFacts);
        }
        else
        {
            Print(terminal, status);
        }

        return ExitCode.Done;
    }

    private static void Print(Terminal terminal, NamedLockStatus status)
    {
        Line(terminal, "Kind", LockLook.Kind(status));
        Line(terminal, "State", LockLook.State(status));
        if (status.HasWaiters is { } hasWaiters)
        {
            Line(terminal, "Waiters", status.Waiters is { } count ? $"{count}" : hasWaiters ? "yes, or a moment ago" : "none");
        }

        if (status.Seats == 0)
        {
            return;
        }

        Line(terminal, "Seats", $"{status.UsedSeats.Count(seat => seat.State == SeatState.Living)} of {status.Seats} taken");
        if (status.Kind != NamedLockKind.Roster)
        {
            Line(terminal, "Name", status.IsKept ? "stays when the last process closes it" : "goes when the last process closes it");
        }

        if (status.UsedSeats.Count > 0)
        {
            terminal.Out.Write('\n');
            PrintSeats(terminal, status);
        }
    }

    private static void PrintSeats(Terminal terminal, NamedLockStatus status)
    {
        var hasPermits = status.Kind == NamedLockKind.ReturningSemaphore;
        Column[] columns = [new("SEAT", IsNumber: true), new("LIFE", IsNumber: true, Spare: 1), new("PROCESS"), new("STATE"), .. hasPermits ? [new Column("PERMITS", IsNumber: true)] : Array.Empty<Column>()];
        var table = new Table(columns);
        foreach (var seat in status.UsedSeats)
        {
            var ink = seat.State switch { SeatState.Died => Ink.Red, SeatState.Left => Ink.Dim, _ => Ink.Plain };
            var state = LockSeatFacts.StateText(seat.State) + (seat.Participant == status.Holder ? ", holds the lock" : "");
            Cell[] cells = [seat.Participant.Seat, seat.Participant.Incarnation, LockLook.Process(seat), new(state, ink), .. hasPermits ? [(Cell)seat.Permits] : Array.Empty<Cell>()];
            table.Add(cells);
        }

        table.WriteTo(terminal);
    }

    private static void Line(Terminal terminal, string title, string text) => terminal.Out.Write($"{terminal.Paint((title + ":").PadRight(9), Ink.Bold)}{text}\n");
}
