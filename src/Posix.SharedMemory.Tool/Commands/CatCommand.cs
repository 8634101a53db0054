using System.CommandLine;
using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm cat</c>: the bytes of an object, copied by the kernel.</summary>
internal sealed class CatCommand : ShmCommand
{
    private readonly Argument<GivenName> _name = Given.Name("NAME", "The object", ArgumentArity.ZeroOrOne);
    private readonly Option<long?> _offset = Given.Offset();
    private readonly Option<long?> _length = Given.Length();
    private readonly Option<int?> _process = Given.Number("--pid", "PID", "Not a named object, but what this process has open");
    private readonly Option<int?> _descriptor = Given.Number("--fd", "NUMBER", "The descriptor in that process; shm ls --anonymous shows it");

    internal CatCommand()
        : base("cat", "Write an object's bytes to standard output.", "shm cat frames > frames.bin", "shm cat frames --offset 4K --length 16 | xxd", "shm cat --pid 1234 --fd 5 > memory.bin")
    {
        Add(_name);
        Add(_offset);
        Add(_length);
        Add(_process);
        Add(_descriptor);
        Validators.Add(result =>
        {
            var isByName = result.GetResult(_name) is { Tokens.Count: > 0 };
            var (hasProcess, hasDescriptor) = (result.GetResult(_process) is not null, result.GetResult(_descriptor) is not null);
            if (isByName ? hasProcess || hasDescriptor : !(hasProcess && hasDescriptor))
            {
                result.AddError("give a NAME, or --pid and --fd");
            }
        });
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        object name = given.GetValue(_name) is { } named ? named : DescriptorText(given);
        using var memory = Open(given);
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
            throw new CommandException(Failure.Describe(e, "standard output"));
        }
    }

    private SharedMemoryObject Open(ParseResult given)
    {
        if (given.GetValue(_name) is { } name)
        {
            return name.Open(FileAccess.Read);
        }

        var process = given.GetValue(_process)!.Value;
        try
        {
            return SharedMemoryDirectory.OpenDescriptor(process, given.GetValue(_descriptor)!.Value);
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.ENOENT && !Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}")))
        {
            throw new CommandException($"process {process}: no such process ({e.Errno})");
        }
        catch (Exception e) when (IsNoMemory(e))
        {
            throw new CommandException($"{DescriptorText(given)}: something else than memory (a pipe, a socket, a file on disk)");
        }
    }

    private string DescriptorText(ParseResult given) => $"descriptor {given.GetValue(_descriptor)} of process {given.GetValue(_process)}";

    /// <summary>Whether there is something that is no memory: of some the kernel says so, some it does not open a second time, and files on a disk are refused here.</summary>
    private static bool IsNoMemory(Exception exception) => exception is ArgumentException
        || exception is SharedMemoryException { Errno: var errno } && (errno == Errno.EINVAL || errno == Errno.ENXIO || errno == Errno.ENODEV);
}
