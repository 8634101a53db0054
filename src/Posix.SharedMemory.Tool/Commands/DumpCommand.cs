using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm dump</c>: bytes in hexadecimal, with the parts that have no memory.</summary>
internal sealed class DumpCommand : ShmCommand
{
    private const int PieceBytes = 64 << 10;

    private readonly Argument<GivenName> _name = Given.Name("NAME", "The object");
    private readonly Option<long?> _offset = Given.Offset();
    private readonly Option<long?> _length = Given.Length();
    private readonly Option<bool> _all = Given.Flag("--all", "Also print repeated lines, and holes as zeros", "-v");

    internal DumpCommand()
        : base("dump", "Print an object's bytes in hexadecimal, as hexdump -C does, with holes marked.", "shm dump frames --length 256", "shm dump frames --offset 1M")
    {
        Add(_name);
        Add(_offset);
        Add(_length);
        Add(_all);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var name = given.GetRequiredValue(_name);
        using var memory = name.Open(FileAccess.Read);
        var part = Part.Of(name, memory, given.GetValue(_offset), given.GetValue(_length));
        var dump = new HexDump(terminal, given.GetValue(_all));
        var at = part.Offset;
        foreach (var data in given.GetValue(_all) ? [part] : DataIn(memory, part))
        {
            if (data.Offset > at)
            {
                dump.WriteHole(new(at, data.Offset - at));
            }

            at = Write(dump, memory, data);
            if (at < data.End)
            {
                dump.WriteEnd(at);
                throw Part.Cut(name, at - part.Offset, part.Length);
            }
        }

        if (at < part.End)
        {
            dump.WriteHole(new(at, part.End - at));
        }

        dump.WriteEnd(part.End);
        return ExitCode.Done;
    }

    /// <summary>Which ranges of a part have memory; the whole part where the system does not report them.</summary>
    private static IEnumerable<ByteRange> DataIn(SharedMemoryObject memory, ByteRange part)
    {
        IReadOnlyList<ByteRange> ranges;
        try
        {
            ranges = memory.GetAllocatedRanges();
        }
        catch (PlatformNotSupportedException)
        {
            ranges = [part];
        }

        return ranges
            .Select(range => (Start: Math.Max(range.Offset, part.Offset), End: Math.Min(range.End, part.End)))
            .Where(range => range.Start < range.End)
            .Select(range => new ByteRange(range.Start, range.End - range.Start));
    }

    /// <returns>Where it ended: before the end of the part if the object was shortened meanwhile.</returns>
    private static long Write(HexDump dump, SharedMemoryObject memory, ByteRange data)
    {
        var piece = new byte[PieceBytes];
        var at = data.Offset;
        while (at < data.End)
        {
            var wanted = (int)Math.Min(piece.Length, data.End - at);
            var read = memory.Read(piece.AsSpan(0, wanted), at);
            dump.Write(piece.AsSpan(0, read), at);
            at += read;
            if (read < wanted)
            {
                break;
            }
        }

        return at;
    }
}
