using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm doctor</c>: what will cause trouble on this machine, and the remedy.</summary>
internal sealed class DoctorCommand : ShmCommand
{
    private readonly Option<bool> _json = Given.Json();
    private readonly Option<bool> _quiet = Given.Flag("--quiet", "Print only notes and warnings", "-q");

    internal DoctorCommand()
        : base(
            "doctor",
            "Check this machine or container for anything that will cause trouble, and print the cure. The exit code is 1 if there is a warning.",
            "shm doctor",
            "shm doctor --quiet",
            "shm doctor --json | jq -r '.[] | select(.level == \"warning\") | .cure'")
    {
        Add(_json);
        Add(_quiet);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new CommandException("these checks exist for Linux only");
        }

        var found = Examination.Of(Machine.OfThisSystem());
        var warnings = found.Count(finding => finding.Level == FindingLevel.Warning);
        var shown = found.Where(finding => finding.Level != FindingLevel.Ok || !given.GetValue(_quiet)).ToList();
        if (given.GetValue(_json))
        {
            ViewFacts.Write(terminal, (IReadOnlyList<FindingFacts>)shown.ConvertAll(FindingFacts.Of), ViewFacts.Legible.IReadOnlyListFindingFacts);
        }
        else
        {
            shown.ForEach(finding => Print(terminal, finding));
            var notes = found.Count(finding => finding.Level == FindingLevel.Note);
            terminal.Out.Write($"{ByteSize.Count(found.Count, "check")}: {ByteSize.Count(warnings, "warning")}, {ByteSize.Count(notes, "note")}\n");
        }

        return warnings == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static void Print(Terminal terminal, Finding finding)
    {
        var ink = finding.Level switch { FindingLevel.Ok => Ink.Green, FindingLevel.Note => Ink.Yellow, _ => Ink.Red };
        terminal.Out.Write($"{terminal.Paint(FindingFacts.LevelText(finding.Level).PadRight(7), ink)}  {finding.What}\n");
        if (finding.Consequence is not null)
        {
            terminal.Out.Write($"         {finding.Consequence}\n");
        }

        if (finding.Cure is not null)
        {
            terminal.Out.Write($"         Cure: {terminal.Paint(finding.Cure, Ink.Bold)}\n");
        }
    }
}
