using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm write</c>: writes bytes into an existing object, without making it longer.</summary>
internal sealed class WriteCommand : ShmCommand
{
    private const int PieceBytes = 256 << 10;

    private readonly Argument<GivenName> _name = Given.Name("NAME", "The object");
    private readonly Argument<string> _from = new("FILE") { Description = "The file to read; by default, or with -, standard input", Arity = ArgumentArity.ZeroOrOne, CustomParser = result => Given.One(result, Given.ReadPath)! };
    private readonly Option<long?> _offset = Given.Offset();

    internal WriteCommand()
        : base(
            "write", "Write bytes into an existing object, up to its end. Processes that map it see the change at once.",
            "shm write frames frame.raw --offset 64K", "printf ready | shm write status")
    {
        Add(_name);
        Add(_from);
        Add(_offset);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var name = given.GetRequiredValue(_name);
        var offset = given.GetValue(_offset) ?? 0;
        using var memory = name.Open(FileAccess.ReadWrite);
        using var source = ByteSource.Open(given.GetValue(_from) ?? "-");
        var room = memory.Length - offset;
        if (room < 0 || source.Length > room)
        {
            // Known beforehand: nothing is written.
            throw new CommandException(TooLong(name, offset, memory.Length));
        }

        ProgressBar.Show(name.ToString(), source.Length, report => Copy(name, memory, source, offset, report));
        return ExitCode.Done;
    }

    private static void Copy(GivenName name, SharedMemoryObject memory, ByteSource source, long offset, Action<long> report)
    {
        var piece = new byte[PieceBytes];
        for (var done = 0L; source.Read(piece) is var count and > 0; done += count, report(done))
        {
            // Another process may shorten the object meanwhile: its present length decides.
            var length = memory.Length;
            var fits = (int)Math.Clamp(length - offset - done, 0, count);
            memory.Write(piece.AsSpan(0, fits), offset + done);
            if (fits < count)
            {
                throw new CommandException($"{TooLong(name, offset, length)}; {done + fits} bytes were written");
            }
        }
    }

    private static string TooLong(GivenName name, long offset, long length) =>
        $"{name}: the bytes do not fit: the object is {length} bytes long{(offset == 0 ? "" : $", and writing starts at offset {offset}")}; shm resize makes it longer";
}
