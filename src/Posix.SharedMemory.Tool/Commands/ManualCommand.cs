using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm manual</c>: the man page, generated from the commands' own descriptions.</summary>
internal sealed class ManualCommand() : ShmCommand(
    "manual",
    "Print the man page, to be shown by man -l - or installed as shm.1.",
    "shm manual | man -l -",
    "shm manual > ~/.local/share/man/man1/shm.1")
{
    protected override int Run(ParseResult given, Terminal terminal)
    {
        terminal.Out.Write(ManPage.Render(CommandLine.MakeAll()));
        return ExitCode.Done;
    }
}
