using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm manual</c>: the man page, made of what the commands say of themselves.</summary>
internal sealed class ManualCommand() : ShmCommand(
    "manual",
    "Print the man page, for man -l - or to be installed as shm.1.",
    "shm manual | man -l -",
    "shm manual > ~/.local/share/man/man1/shm.1")
{
    protected override int Run(ParseResult given, Terminal terminal)
    {
        terminal.Out.Write(ManPage.Render(CommandLine.MakeAll()));
        return ExitCode.Done;
    }
}
