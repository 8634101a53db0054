using System.CommandLine;
using System.Text;

namespace Posix.SharedMemory.Tool;

/// <summary>Writes a manual page in the language of man(7).</summary>
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
        Shared memory objects are memory with a name, created with
        .BR shm_open (3)
        by programs in any language. On Linux they are the files in
        .IR /dev/shm .
        .B shm
        lists and shows them, finds the processes that hold them, fills, copies, draws, renames and removes them, and checks a machine for anything that will cause trouble to programs that use them. It also finds memory without a name, created with
        .BR memfd_create (2).
        .PP
        A process
        .I holds
        an object while it has it open or mapped. An object is
        .I unused
        if no process holds it; the kernel says so only to the owner of an object and to processes with CAP_LEASE. A number of holders followed by
        .B +
        may be incomplete, and
        .B ?
        means that it is unknown whether any process holds the object.
        .PP
        A name is given with or without a leading slash, or as a path in
        .IR /dev/shm .
        In output and on the command line, bytes that cannot be printed are written
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
        are these characters themselves. Put
        .B \-\-
        before a name that starts with a dash.
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
        The output to a pipe is the same as to a terminal, without colours. Only on a terminal,
        .B ls
        and
        .B top
        leave out columns that do not fit, and
        .B top
        cuts long lines.
        .PP
        .B \-\-json
        prints facts for programs: sizes in bytes, times in ISO 8601, and
        .B null
        for what is unknown.
        .I name
        is the name itself, with U+FFFD for bytes that are not UTF-8;
        .I escaped
        is the name as the command prints and takes it, and is present only if it differs.
        .SH EXIT STATUS
        .TP
        .B 0
        Success.
        .TP
        .B 1
        Failure: one line on standard error names the object, the reason, and what to do next.
        .TP
        .B 2
        Wrong usage: nothing was changed.
        .TP
        .B 141
        The reader of standard output is gone, as
        .BR head (1)
        is once it has read enough.
        .SH ENVIRONMENT
        .TP
        .B NO_COLOR
        If set and not empty, no colours are printed.
        .SH FILES
        .TP
        .I /dev/shm
        The objects, on Linux. Names that start with
        .B sem.
        belong to semaphores of
        .BR sem_open (3);
        lists, patterns and
        .B gc
        leave them out.
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
        page.Append(".SH OPTIONS\nEvery command takes these options, except \\-\\-version, which is used alone.\n");
        AppendOptions(page, CommandLine.MakeRoot([]).Options);
        page.Append(".SH COMMANDS\n");
        var examples = new StringBuilder(".SH EXAMPLES\n");
        foreach (var command in commands.SelectMany(command => command.Subcommands.OfType<ShmCommand>().Prepend(command)))
        {
            page.Append(".SS ").Append(Synopsis(command)).Append('\n').Append(Text(command.Description ?? "")).Append(Text(OtherNames(command))).Append('\n');
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

    private static string OtherNames(ShmCommand command) => command.Aliases.Count == 0 ? "" : $" Also called {string.Join(", ", command.Aliases)}.";

    private static string Synopsis(ShmCommand command)
    {
        var words = command.Arguments.Select(argument => argument.Arity switch
        {
            { MinimumNumberOfValues: 0, MaximumNumberOfValues: > 1 } => $"[{argument.Name}...]",
            { MinimumNumberOfValues: 0 } => $"[{argument.Name}]",
            { MaximumNumberOfValues: > 1 } => $"{argument.Name}...",
            _ => argument.Name,
        });
        return Text(string.Join(' ', words.Prepend(command.Words)));
    }

    private static string Spelling(Option option)
    {
        var spellings = option.Aliases.Order(StringComparer.Ordinal).Append(option.Name).Select(spelling => $"\\fB{Text(spelling)}\\fR");
        return string.Join(", ", spellings) + (option.HelpName is { } value ? $" \\fI{Text(value)}\\fR" : "");
    }

    /// <summary>Text as the formatter takes it: dashes that can be copied, no line that would be taken for a request.</summary>
    private static string Text(string text)
    {
        var escaped = text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal);
        return escaped is ['.' or '\'', ..] ? "\\&" + escaped : escaped;
    }
}
