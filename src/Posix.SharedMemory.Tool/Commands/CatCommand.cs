using System.Buffers;
using System.CommandLine;
using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm cat</c>: the bytes of an object, copied by the kernel.</summary>
internal sealed class CatCommand : ShmCommand
{
    private const int PieceBytes = 64 << 10;

    /// <summary>All control characters but tab, line feed and carriage return.</summary>
    private static readonly SearchValues<byte> s_controls = SearchValues.Create([.. Enumerable.Range(0, 32).Append(127).Select(value => (byte)value).Except([(byte)'\t', (byte)'\n', (byte)'\r'])]);

    private readonly Argument<GivenName> _name = Given.Name("NAME", "The object", ArgumentArity.ZeroOrOne);
    private readonly Option<long?> _offset = Given.Offset();
    private readonly Option<long?> _length = Given.Length();
    private readonly Option<int?> _process = Given.Number("--pid", "PID", "Instead of a named object, memory that this process has open; with --fd");
    private readonly Option<int?> _descriptor = Given.Number("--fd", "NUMBER", "The descriptor in that process, as shm ls --anonymous shows it");

    private readonly Option<bool> _force = Given.Flag("--force", "Write binary data to a terminal too", "-f");

    internal CatCommand()
        : base("cat", "Write an object's bytes to standard output.", "shm cat frames > frames.bin", "shm cat frames --offset 4K --length 16 | xxd", "shm cat --pid 1234 --fd 5 > memory.bin")
    {
        Add(_name);
        Add(_offset);
        Add(_length);
        Add(_process);
        Add(_descriptor);
        Add(_force);
        Validators.Add(result =>
        {
            var isByName = result.GetResult(_name) is { Tokens.Count: > 0 };
            var (hasProcess, hasDescriptor) = (result.GetResult(_process) is not null, result.GetResult(_descriptor) is not null);
            if (isByName ? hasProcess || hasDescriptor : !(hasProcess && hasDescriptor))
            {
                result.AddError("give either a NAME, or --pid and --fd");
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
            var copied = Terminal.IsTerminal && !given.GetValue(_force) ? CopyText(name, memory, terminal, part) : memory.CopyTo(terminal.OutHandle, part.Offset, part.Length);
            return copied == part.Length ? ExitCode.Done : throw Part.Cut(name, copied, part.Length);
        }
        catch (ArgumentOutOfRangeException)
        {
            // Shortened between reading its length and copying.
            throw Part.Cut(name, 0, part.Length);
        }
        catch (SharedMemoryException e) when (!Failure.IsClosedPipe(e))
        {
            throw new CommandException(Failure.Describe(e, "standard output"));
        }
    }

    /// <summary>Copies to a terminal, and stops before bytes that would garble it.</summary>
    private static long CopyText(object name, SharedMemoryObject memory, Terminal terminal, ByteRange part)
    {
        var piece = new byte[PieceBytes];
        var done = 0L;
        while (done < part.Length)
        {
            var read = memory.Read(piece.AsSpan(0, (int)Math.Min(piece.Length, part.Length - done)), part.Offset + done);
            if (read == 0)
            {
                break;
            }

            if (piece.AsSpan(0, read).ContainsAny(s_controls))
            {
                throw new CommandException($"{name}: it contains binary data, which is not written to a terminal; redirect it to a file, use shm dump to see it, or --force");
            }

            terminal.OutBytes.Write(piece, 0, read);
            done += read;
        }

        return done;
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
            throw new CommandException(Processes.Exists(process)
                ? $"process {process}: /proc hides it from this user (hidepid), and with it what it has open ({Errno.EACCES})"
                : $"process {process}: there is no such process ({e.Errno})");
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.EACCES || e.Errno == Errno.EPERM)
        {
            throw new CommandException($"{DescriptorText(given)}: {Failure.Reason(e.Errno)}");
        }
        catch (Exception e) when (IsNotMemory(e))
        {
            throw new CommandException($"{DescriptorText(given)}: this is not shared memory, but a pipe, a socket, a file on a disk or the like");
        }
    }

    private string DescriptorText(ParseResult given) => $"descriptor {given.GetValue(_descriptor)} of process {given.GetValue(_process)}";

    /// <summary>Whether the descriptor is not memory: the kernel says so of some, cannot reopen others, and files on a disk are refused.</summary>
    private static bool IsNotMemory(Exception exception) => exception is ArgumentException
        || exception is SharedMemoryException { Errno: var errno } && (errno == Errno.EINVAL || errno == Errno.ENXIO || errno == Errno.ENODEV);
}
