using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace Posix.SharedMemory.Tool;

/// <summary>All commands, and how the words on the command line select one of them.</summary>
internal static class CommandLine
{
    /// <summary>Recursive: it is accepted before and after the command.</summary>
    internal static readonly Option<bool> NoColor = MakeNoColor();

    private static readonly (string Name, Func<ShmCommand> Make)[] s_commands =
    [
        ("ls", () => new ListCommand()),
        ("stat", () => new StatCommand()),
        ("who", () => new WhoCommand()),
        ("lock", () => new LockCommand()),
        ("topic", () => new TopicCommand()),
        ("create", () => new CreateCommand()),
        ("write", () => new WriteCommand()),
        ("cat", () => new CatCommand()),
        ("dump", () => new DumpCommand()),
        ("resize", () => new ResizeCommand()),
        ("mv", () => new MoveCommand()),
        ("rm", () => new RemoveCommand()),
        ("chmod", () => new ChmodCommand()),
        ("chown", () => new ChownCommand()),
        ("df", () => new UsageCommand()),
        ("gc", () => new CollectCommand()),
        ("map", () => new MapCommand()),
        ("watch", () => new WatchCommand()),
        ("top", () => new TopCommand()),
        ("doctor", () => new DoctorCommand()),
        ("bridge", () => new BridgeCommand()),
        ("demo", () => new DemoCommand()),
        ("help", () => new HelpCommand()),
        ("completion", () => new CompletionCommand()),
        ("manual", () => new ManualCommand()),
    ];

    /// <summary>All commands, in the order in which help shows them.</summary>
    internal static IEnumerable<ShmCommand> MakeAll() => s_commands.Select(command => command.Make());

    /// <summary>Gets the names of all commands.</summary>
    internal static IEnumerable<string> Names => s_commands.Select(command => command.Name);

    /// <summary>Gets whether a shell is completing a word.</summary>
    internal static bool IsCompleting { get; private set; }

    internal static int Run(string[] args)
    {
        TerminalType.Hide();
        if (BridgeCommand.IsMeant(args))
        {
            return BridgeCommand.Start(args.Skip(1));
        }

        IsCompleting = args is [['[', 's', 'u', 'g', 'g', 'e', 's', 't', ..], ..];
        var root = MakeRoot(args);

        // A name may start with @: that is not a file of more arguments.
        var given = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (given.Action is ParseErrorAction)
        {
            return given.CommandResult.Command is RootCommand && given.UnmatchedTokens.Count == 0
                ? Print(root.Parse(["--help"]))
                : WrongUsage(given, FindUnknownOption(given, args) is { } misspelled ? UnknownOption(given, misspelled) : Objection(given));
        }

        if (FindFlagWithValue(given, args) is { } flag && !given.Action!.ClearsParseErrors)
        {
            return WrongUsage(given, $"{flag} takes no value");
        }

        if (FindUnknownOption(given, args) is { } unknown && !given.Action!.ClearsParseErrors)
        {
            return WrongUsage(given, UnknownOption(given, unknown));
        }

        return Print(given);
    }

    /// <summary>Runs a command, and prints what the parser itself answers: help, completions, the version.</summary>
    private static int Print(ParseResult given)
    {
        using var output = new StringWriter();
        var code = given.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = output });
        return output.GetStringBuilder().Length == 0 ? code : Streams.Print(output.ToString(), code);
    }

    /// <summary>The root with the command that the words select, or with all commands if they select none; none for the version. The others would only cost time.</summary>
    internal static RootCommand MakeRoot(string[] args)
    {
        var root = new RootCommand("Inspect and manage every POSIX shared memory object on this machine.");
        var named = Array.FindIndex(s_commands, command => args.Length > 0 && command.Name == args[0]);
        var needed = args is ["--version" or "-v"] ? [] : named < 0 ? s_commands : s_commands.AsSpan(named, 1);
        foreach (var (_, make) in needed)
        {
            root.Add(make());
        }

        root.Add(NoColor);
        for (var at = 0; at < root.Options.Count; at++)
        {
            if (root.Options[at] is HelpOption)
            {
                // The parser's own option also accepts /h and /?, which are names of objects here.
                root.Options[at] = new HelpOption("--help", "-h") { Action = new HelpWithExamples(new HelpAction()) };
            }
            else if (root.Options[at] is VersionOption version)
            {
                version.Action = new PrintVersion();
                version.Aliases.Add("-v");
            }
        }

        return root;
    }

    private static Option<bool> MakeNoColor()
    {
        var option = Given.Flag("--no-color", "Print without colours, as with NO_COLOR=1");
        option.Recursive = true;
        return option;
    }

    private static string Objection(ParseResult given)
    {
        if (given.UnmatchedTokens is not [var unmatched, ..])
        {
            return EscapedText.InLine(given.Errors[0].Message).TrimEnd('.');
        }

        return unmatched is ['-', _, ..] ? UnknownOption(given, unmatched)
            : given.CommandResult.Command is RootCommand ? UnknownCommand(unmatched)
            : given.CommandResult.Command is { Subcommands.Count: > 0 } group ? UnknownCommand(unmatched, group)
            : $"unexpected argument '{EscapedText.Of(unmatched)}'";
    }

    /// <summary>What to answer to a command that does not exist.</summary>
    internal static string UnknownCommand(string word) => $"unknown command '{EscapedText.Of(word)}'{DidYouMean(Suggestion.ForCommand(word))}";

    /// <summary>What to answer to a command that a group does not have.</summary>
    internal static string UnknownCommand(string word, Command group)
    {
        var names = group.Subcommands.Select(command => command.Name).ToList();
        var known = names.Concat(group.Subcommands.SelectMany(command => command.Aliases));
        return names.Count == 0 ? $"unexpected argument '{EscapedText.Of(word)}'"
            : $"unknown command '{EscapedText.Of(word)}'{(Suggestion.Nearest(word, known) is { } near ? DidYouMean(near) : $"; choose from {string.Join(", ", names)}")}";
    }

    private static string UnknownOption(ParseResult given, string word)
    {
        var options = given.CommandResult.Command.Options.Append(NoColor).Where(option => !option.Hidden).Select(option => option.Name);
        return $"unknown option '{EscapedText.Of(word)}'{(Suggestion.Nearest(word, options) is { } near ? DidYouMean(near) : given.CommandResult.Command.Arguments.Count == 0 ? "" : "; put -- before a name that starts with a dash")}";
    }

    private static string DidYouMean(string? near) => near is null ? "" : $"; did you mean '{near}'?";

    /// <summary>Finds a value given to a flag, such as <c>--yes=no</c>: the parser takes the value for an argument, so it might become the name of an object.</summary>
    private static string? FindFlagWithValue(ParseResult given, string[] args)
    {
        var flags = given.CommandResult.Command.Options.Append(NoColor).Where(option => option.ValueType == typeof(bool)).SelectMany(option => option.Aliases.Append(option.Name)).ToList();
        return flags.Find(flag => Array.Exists([.. args.TakeWhile(word => word != "--")], word => word.StartsWith(flag + "=", StringComparison.Ordinal) || word.StartsWith(flag + ":", StringComparison.Ordinal)));
    }

    /// <summary>Finds an unknown option, which the parser takes for an argument if one fits.</summary>
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
        var command = given.CommandResult.Command is ShmCommand named ? named.Words : "";
        Streams.WriteError($"shm: {(command.Length == 0 ? "" : command + ": ")}{reason} (see shm {command}{(command.Length == 0 ? "" : " ")}--help)\n");
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
