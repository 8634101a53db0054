using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace Posix.SharedMemory.Tool;

/// <summary>All commands, and the way from the words on the command line to one of them.</summary>
internal static class CommandLine
{
    /// <summary>Recursive: it may stand before the command and behind it.</summary>
    internal static readonly Option<bool> NoColor = MakeNoColor();

    private static readonly (string Name, Func<ShmCommand> Make)[] s_commands =
    [
        ("ls", () => new ListCommand()),
        ("stat", () => new StatCommand()),
        ("who", () => new WhoCommand()),
        ("create", () => new CreateCommand()),
        ("write", () => new WriteCommand()),
        ("cat", () => new CatCommand()),
        ("dump", () => new DumpCommand()),
        ("resize", () => new ResizeCommand()),
        ("mv", () => new MoveCommand()),
        ("rm", () => new RemoveCommand()),
        ("chmod", () => new ChmodCommand()),
        ("df", () => new UsageCommand()),
        ("gc", () => new CollectCommand()),
        ("map", () => new MapCommand()),
        ("watch", () => new WatchCommand()),
        ("top", () => new TopCommand()),
        ("doctor", () => new DoctorCommand()),
        ("demo", () => new DemoCommand()),
        ("completion", () => new CompletionCommand()),
        ("manual", () => new ManualCommand()),
    ];

    /// <summary>All commands, in the order in which help shows them.</summary>
    internal static IEnumerable<ShmCommand> MakeAll() => s_commands.Select(command => command.Make());

    /// <summary>Gets whether a shell asks what a word could be.</summary>
    internal static bool IsCompleting { get; private set; }

    internal static int Run(string[] args)
    {
        TerminalType.Hide();
        IsCompleting = args is [['[', 's', 'u', 'g', 'g', 'e', 's', 't', ..], ..];
        var root = MakeRoot(args);

        // A name may begin with @: it is no file of more arguments.
        var given = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (given.Action is ParseErrorAction)
        {
            return WrongUsage(given, Objection(given));
        }

        if (FindFlagWithValue(given, args) is { } flag && !given.Action!.ClearsParseErrors)
        {
            return WrongUsage(given, $"{flag} takes no value");
        }

        if (FindUnknownOption(given, args) is { } unknown && !given.Action!.ClearsParseErrors)
        {
            return WrongUsage(given, $"'{EscapedText.Of(unknown)}' is no option; a name that begins with a dash stands behind --");
        }

        using var output = new StringWriter();
        var code = given.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = output });
        return output.GetStringBuilder().Length == 0 ? code : Streams.Print(output.ToString(), code);
    }

    /// <summary>The command that the words name, alone where they name one: the others would only cost time.</summary>
    internal static RootCommand MakeRoot(string[] args)
    {
        var root = new RootCommand("See and handle every POSIX shared memory object on this machine.");
        var named = Array.FindIndex(s_commands, command => args.Length > 0 && command.Name == args[0]);
        foreach (var (_, make) in named < 0 ? s_commands : s_commands.AsSpan(named, 1))
        {
            root.Add(make());
        }

        root.Add(NoColor);
        for (var at = 0; at < root.Options.Count; at++)
        {
            if (root.Options[at] is HelpOption)
            {
                // The parser's own takes /h and /? too, which are names of objects here.
                root.Options[at] = new HelpOption("--help", "-h") { Action = new HelpWithExamples(new HelpAction()) };
            }
            else if (root.Options[at] is VersionOption version)
            {
                version.Action = new PrintVersion();
            }
        }

        return root;
    }

    private static Option<bool> MakeNoColor()
    {
        var option = Given.Flag("--no-color", "Print without colours; so does NO_COLOR=1");
        option.Recursive = true;
        return option;
    }

    private static string Objection(ParseResult given)
    {
        var isRoot = given.CommandResult.Command is RootCommand;
        return isRoot && given.Tokens.Count == 0 ? "which command?"
            : isRoot && given.UnmatchedTokens is [var unknown, ..] ? $"'{EscapedText.Of(unknown)}' is no command"
            : EscapedText.InLine(given.Errors[0].Message).TrimEnd('.');
    }

    /// <summary>Finds what was meant as <c>--yes=no</c>: to the parser the value is an argument, and so might become the name of an object.</summary>
    private static string? FindFlagWithValue(ParseResult given, string[] args)
    {
        var flags = given.CommandResult.Command.Options.Append(NoColor).Where(option => option.ValueType == typeof(bool)).SelectMany(option => option.Aliases.Append(option.Name)).ToList();
        return flags.Find(flag => Array.Exists([.. args.TakeWhile(word => word != "--")], word => word.StartsWith(flag + "=", StringComparison.Ordinal) || word.StartsWith(flag + ":", StringComparison.Ordinal)));
    }

    /// <summary>Finds what was meant as an option, which the parser takes for an argument where one fits.</summary>
    private static string? FindUnknownOption(ParseResult given, string[] args)
    {
        var words = args.TakeWhile(word => word != "--").ToHashSet(StringComparer.Ordinal);
        return given.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(result => result.Tokens)
            .Select(token => token.Value)
            .FirstOrDefault(word => word is ['-', _, ..] && words.Contains(word));
    }

    private static int WrongUsage(ParseResult given, string reason)
    {
        var command = given.CommandResult.Command is RootCommand ? "" : given.CommandResult.Command.Name;
        Streams.WriteError($"shm: {(command.Length == 0 ? "" : command + ": ")}{reason} (shm {command}{(command.Length == 0 ? "" : " ")}--help tells more)\n");
        return ExitCode.WrongUsage;
    }

    private sealed class PrintVersion : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.Write($"{ProductVersion.Text}\n");
            return ExitCode.Done;
        }
    }
}
