using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm resize</c>.</summary>
internal sealed class ResizeCommand : ShmCommand
{
    private readonly Argument<GivenName> _name = Given.Name("NAME", "The object");
    private readonly Argument<long?> _size = Given.Size("SIZE", "Its new length, such as 64M", ArgumentArity.ExactlyOne);
    private readonly Option<bool> _sparse = Given.Sparse();

    internal ResizeCommand()
        : base(
            "resize", "Make an object longer or shorter. What is new reads as zero; who has mapped what is cut off dies of SIGBUS when he touches it.",
            "shm resize frames 128M", "shm resize frames 1T --sparse")
    {
        Add(_name);
        Add(_size);
        Add(_sparse);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        using var memory = given.GetRequiredValue(_name).Open(FileAccess.ReadWrite);
        memory.SetLength(given.GetValue(_size)!.Value, given.GetValue(_sparse) ? Backing.Sparse : Backing.Reserved);
        return ExitCode.Done;
    }
}
