using System.CommandLine;
using System.Text;

namespace Posix.SharedMemory.Tool;

/// <summary>Writes a manual in the language of man(7).</summary>
internal static class ManPage
{
    private const string Front = """
        .TH SHM 1 "" "Posix.SharedMemory" "User Commands"
        .SH NAME
        shm \- see and handle every POSIX shared memory object on this machine
        .SH SYNOPSIS
        .B shm
        .I COMMAND
        [\fIARGUMENT\fR]... [\fIOPTION\fR]...
        .SH DESCRIPTION
        Shared memory objects are memory with a name: made by
        .BR shm_open (3)
        in any language, or by
        .BR memfd_create (2)
        without one. On Linux they are the files in
        .IR /dev/shm .
        .B shm
        lists and shows them, tells who holds them, fills, copies, draws, renames and removes them, and finds out what on a machine will bite those who use them.
        .PP
        A name is given with or without a leading slash. In output and on the command line, bytes that cannot be printed stand as
        .BR \exNN ,
        and
        .BR \en ,
        .BR \et ,
        .BR \er ,
        .B \e\e
        as in C. Where patterns are taken,
        .B *
        stands for any characters and
        .B ?
        for one;
        .B \e*
        and
        .B \e?
        (or
        .B \ex2A
        and
        .BR \ex3F )
        are these characters themselves. A name that begins with a dash stands behind
        .BR \-\- .
        .PP
        Sizes take
        .BR K ", " M ", " G ", " T
        (powers of 1024, also as
        .BR KiB ...);
        ages
        .BR s ", " m ", " h ", " d ", " w .

        """;

    private const string Back = """
        .SH OUTPUT
        The same goes to a pipe as to a terminal, without colours. Only on a terminal,
        .B ls
        leaves out columns that there is no room for, and
        .B top
        cuts its lines; long lines of all others go on in the next.
        .PP
        .B \-\-json
        prints facts for programs: sizes in bytes, times in ISO 8601, what is not known as
        .BR null .
        There,
        .I name
        is the name as it is, with U+FFFD for bytes that are not UTF-8, and
        .I escaped
        stands beside it, as the command prints and takes the name, where that differs.
        .SH EXIT STATUS
        .TP
        .B 0
        Done.
        .TP
        .B 1
        It failed: one line on standard error says what, on which object, and why.
        .TP
        .B 2
        Wrong usage: nothing was touched.
        .TP
        .B 141
        Who read standard output has gone, as
        .BR head (1)
        does when it has enough.
        .SH ENVIRONMENT
        .TP
        .B NO_COLOR
        Set to anything, it takes the colours away.
        .SH FILES
        .TP
        .I /dev/shm
        The objects, on Linux. Names that begin with
        .B sem.
        are semaphores of
        .BR sem_open (3)
        and are left out of lists, patterns and
        .BR gc .
        .SH SEE ALSO
        .BR shm_overview (7),
        .BR shm_open (3),
        .BR memfd_create (2),
        .BR ipcs (1),
        .BR lsof (8)

        """;

    internal static string Render(IEnumerable<ShmCommand> commands)
    {
        var page = new StringBuilder(Front);
        page.Append(".SH OPTIONS\n\\-\\-version stands alone; every command takes the others.\n");
        AppendOptions(page, CommandLine.MakeRoot([]).Options);
        page.Append(".SH COMMANDS\n");
        var examples = new StringBuilder(".SH EXAMPLES\n");
        foreach (var command in commands)
        {
            page.Append(".SS ").Append(Synopsis(command)).Append('\n').Append(Text(command.Description ?? "")).Append('\n');
            foreach (var argument in command.Arguments)
            {
                page.Append(".TP\n.I ").Append(Text(argument.Name)).Append('\n').Append(Text(argument.Description ?? "")).Append('\n');
            }

            AppendOptions(page, command.Options);
            foreach (var example in command.Examples)
            {
                examples.Append(".PP\n.nf\n").Append(Text(example)).Append("\n.fi\n");
            }
        }

        return page.Append(examples).Append(Back).ToString();
    }

    private static void AppendOptions(StringBuilder page, IEnumerable<Option> options)
    {
        foreach (var option in options.Where(option => !option.Hidden))
        {
            page.Append(".TP\n").Append(Spelling(option)).Append('\n').Append(Text(option.Description ?? "")).Append('\n');
        }
    }

    private static string Synopsis(ShmCommand command)
    {
        var words = command.Arguments.Select(argument => argument.Arity switch
        {
            { MinimumNumberOfValues: 0, MaximumNumberOfValues: > 1 } => $"[{argument.Name}...]",
            { MinimumNumberOfValues: 0 } => $"[{argument.Name}]",
            { MaximumNumberOfValues: > 1 } => $"{argument.Name}...",
            _ => argument.Name,
        });
        return Text(string.Join(' ', words.Prepend(command.Name)));
    }

    private static string Spelling(Option option)
    {
        var spellings = option.Aliases.Order(StringComparer.Ordinal).Append(option.Name).Select(spelling => $"\\fB{Text(spelling)}\\fR");
        return string.Join(", ", spellings) + (option.HelpName is { } value ? $" \\fI{Text(value)}\\fR" : "");
    }

    /// <summary>Text as the formatter takes it: a dash that can be typed again, no line that is taken for a command.</summary>
    private static string Text(string text)
    {
        var escaped = text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal);
        return escaped is ['.' or '\'', ..] ? "\\&" + escaped : escaped;
    }
}
