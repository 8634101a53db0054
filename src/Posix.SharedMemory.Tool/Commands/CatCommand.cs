using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm cat</c>: the bytes of an object, copied by the kernel.</summary>
internal sealed class CatCommand : ShmCommand
{
    private readonly Argument<GivenName> _name = Given.Name("NAME", "The object");
    private readonly Option<long?> _offset = Given.Offset();
    private readonly Option<long?> _length = Given.Length();

    internal CatCommand()
        : base("cat", "Write an object's bytes to standard output.", "shm cat frames > frames.bin", "shm cat frames --offset 4K --length 16 | xxd")
    {
        Add(_name);
        Add(_offset);
        Add(_length);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var name = given.GetRequiredValue(_name);
        using var memory = name.Open(FileAccess.Read);
        var part = Part.Of(name, memory, given.GetValue(_offset), given.GetValue(_length));
        try
        {
            var copied = memory.CopyTo(terminal.OutHandle, part.Offset, part.Length);
            return copied == part.Length ? ExitCode.Done : throw Part.Cut(name, copied, part.Length);
        }
        catch (ArgumentOutOfRangeException)
        {
            // Cut between the look at its length and the copy.
            throw Part.Cut(name, 0, part.Length);
        }
        catch (SharedMemoryException e) when (!Failure.IsClosedPipe(e))
        {
            throw new CommandException(Failure.Describe(e, e.Operation == "shm_open" ? name : "standard output"));
        }
    }
}
