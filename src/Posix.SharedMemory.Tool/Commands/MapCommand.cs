using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm map</c>: a picture of which pages of an object are in memory.</summary>
internal sealed class MapCommand : ShmCommand
{
    private readonly Argument<GivenName> _name = Given.Name("NAME", "The object");
    private readonly Option<bool> _json = Given.Json();
    private readonly Option<string?> _svg = new("--svg") { HelpName = "FILE", Description = "Write the picture to an SVG file, or to standard output with -", CustomParser = result => Given.One(result, Given.ReadPath) };

    internal MapCommand()
        : base(
            "map",
            "Draw which pages of an object are in memory, absent, swapped out or huge. Drawing brings no page into memory.",
            "shm map frames",
            "shm map frames --svg frames.svg",
            "shm map frames --json | jq .resident")
    {
        Add(_name);
        Add(_json);
        Add(_svg);
        Validators.Add(result =>
        {
            if (result.GetValue(_json) && result.GetResult(_svg) is not null)
            {
                result.AddError("--json and --svg cannot be used together");
            }
        });
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var file = given.GetValue(_svg);
        var survey = PageSurvey.Of(given.GetValue(_name)!);
        if (given.GetValue(_json))
        {
            ViewFacts.Write(terminal, PageFacts.Of(survey), ViewFacts.Legible.PageFacts);
        }
        else if (file is null)
        {
            foreach (var line in new PagePicture(survey, Terminal.Width).Lines(terminal.Paint))
            {
                terminal.Out.Write(line + "\n");
            }
        }
        else if (file == "-")
        {
            terminal.Out.Write(PageSvg.Of(survey));
        }
        else if (Directory.Exists(file))
        {
            throw new CommandException($"{EscapedText.Of(file)}: {Failure.Reason(Errno.EISDIR)}");
        }
        else if (!terminal.Try(EscapedText.Of(file), () => File.WriteAllText(file, PageSvg.Of(survey))))
        {
            return ExitCode.Failed;
        }

        return ExitCode.Done;
    }
}
