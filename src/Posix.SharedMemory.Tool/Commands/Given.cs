using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>The kinds of arguments and options that several commands take. Each is checked while the command line is parsed.</summary>
internal static class Given
{
    internal delegate T Reader<out T>(string text, out string? objection);

    /// <summary>The name of an object; it completes to the names of existing objects.</summary>
    internal static Argument<GivenName> Name(string label, string description, ArgumentArity? arity = null) => WithNames(
        new Argument<GivenName>(label) { Description = description, Arity = arity ?? ArgumentArity.ExactlyOne, CustomParser = result => One(result, GivenName.Read)! });

    /// <summary>As <see cref="Name"/>, but optional.</summary>
    internal static Argument<GivenName?> OptionalName(string label, string description) => WithNames(new Argument<GivenName?>(label)
    {
        Description = description, Arity = ArgumentArity.ZeroOrOne, CustomParser = result => One(result, GivenName.Read),
    });

    /// <summary>A name for an object that need not exist yet.</summary>
    internal static Argument<GivenName> NewName(string label, string description) =>
        new(label) { Description = description, CustomParser = result => One(result, GivenName.Read)! };

    /// <summary>A pattern to choose objects by; without it, all are chosen.</summary>
    internal static Argument<NamePattern?> Pattern(string description) => WithNames(
        new Argument<NamePattern?>("PATTERN") { Description = description, Arity = ArgumentArity.ZeroOrOne, CustomParser = result => One(result, NamePattern.Read) });

    internal static Argument<long?> Size(string label, string description, ArgumentArity arity) =>
        new(label) { Description = description, Arity = arity, CustomParser = result => One(result, ByteSize.Read) };

    internal static Option<long?> Size(string name, string label, string description) =>
        new(name) { HelpName = label, Description = description, CustomParser = result => One(result, ByteSize.Read) };

    internal static Option<int?> Number(string name, string label, string description) => new(name)
    {
        HelpName = label,
        Description = description,
        CustomParser = result => One(result, (string text, out string? objection) =>
        {
            var isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
            objection = isNumber ? null : $"'{EscapedText.Of(text)}' is not a number";
            return (int?)number;
        }),
    };

    /// <summary>A span of seconds, such as <c>0.5</c>.</summary>
    internal static Option<TimeSpan?> Seconds(string name, string description) =>
        new(name) { HelpName = "SECONDS", Description = description, CustomParser = result => One(result, WatchCommand.ReadSeconds) };

    /// <summary>How many of something make a command end.</summary>
    internal static Option<int?> Count(string description) =>
        new("--count") { HelpName = "N", Description = description, CustomParser = result => One(result, WatchCommand.ReadCount) };

    internal static Option<TimeSpan?> Span(string name, string description) =>
        new(name) { HelpName = "AGE", Description = description, CustomParser = result => One(result, Age.Read) };

    internal static Option<uint?> User(string name, string description) =>
        new(name) { HelpName = "USER", Description = description, CustomParser = result => One(result, Accounts.Users.Read) };

    internal static Option<uint?> Group(string name, string description) =>
        new(name) { HelpName = "GROUP", Description = description, CustomParser = result => One(result, Accounts.Groups.Read) };

    /// <summary>One of a few words.</summary>
    internal static Option<string> Choice(string name, string label, string description, params string[] words)
    {
        var option = new Option<string>(name) { HelpName = label, Description = description, CustomParser = result => One(result, OneOf(label, words)) };
        option.CompletionSources.Add(words);
        return option;
    }

    /// <summary>Takes a word that is one of a few.</summary>
    internal static Reader<string?> OneOf(string label, string[] words) => (text, out objection) =>
    {
        objection = words.Contains(text, StringComparer.Ordinal) ? null : $"'{EscapedText.Of(text)}' is not a valid {label}; choose from {string.Join(", ", words)}";
        return text;
    };

    /// <summary>Takes the path of a file.</summary>
    internal static string? ReadPath(string text, out string? objection)
    {
        objection = text.Length == 0 ? "the name of a file cannot be empty" : null;
        return text;
    }

    /// <summary>The path of a file.</summary>
    internal static Argument<string> File(string description) => new("FILE") { Description = description, CustomParser = result => One(result, ReadPath)! };

    /// <summary>An option without a value. A word after it is an argument, even <c>true</c> or <c>false</c>.</summary>
    internal static Option<bool> Flag(string name, string description, params string[] aliases) => new(name, aliases) { Description = description, Arity = ArgumentArity.Zero };

    internal static Option<long?> Offset() => Size("--offset", "BYTES", "The first byte; by default, the start of the object");

    internal static Option<long?> Length() => Size("--length", "BYTES", "How many bytes at most; by default, up to the end");

    internal static Option<bool> Sparse() => Flag("--sparse", "Reserve no memory: pages are allocated when they are written to");

    internal static Option<bool> Yes(string description) => Flag("--yes", description, "-y");

    internal static Option<bool> Json() => Flag("--json", "Print JSON");

    /// <summary>Reads one word; the reader's objection becomes the parser's error.</summary>
    internal static T? One<T>(ArgumentResult result, Reader<T> read)
    {
        var value = read(result.Tokens[0].Value, out var objection);
        if (objection is not null)
        {
            result.AddError(objection);
        }

        return value;
    }

    /// <summary>As <see cref="One"/>, for an argument that may be given several times.</summary>
    internal static T[] Each<T>(ArgumentResult result, Reader<T?> read)
        where T : class
    {
        var values = new List<T>();
        foreach (var token in result.Tokens)
        {
            if (read(token.Value, out var objection) is { } value)
            {
                values.Add(value);
            }
            else
            {
                result.AddError(objection!);
            }
        }

        return [.. values];
    }

    /// <summary>Completes to the names of existing objects. Only while a shell completes: help would print them all in the argument's place.</summary>
    internal static void CompleteNames(Argument argument)
    {
        if (CommandLine.IsCompleting)
        {
            argument.CompletionSources.Add(context => Names(argument, context));
        }
    }

    private static Argument<T> WithNames<T>(Argument<T> argument)
    {
        CompleteNames(argument);
        return argument;
    }

    private static IEnumerable<CompletionItem> Names(Argument argument, CompletionContext context)
    {
        // The parser asks for every argument of a command, including those that are already given; the word being typed counts as one of them.
        var begun = context.WordToComplete;
        if (context.ParseResult.GetResult(argument)?.Tokens.Count - (begun.Length > 0 ? 1 : 0) >= argument.Arity.MaximumNumberOfValues)
        {
            return [];
        }

        try
        {
            var slash = begun.StartsWith("/dev/shm/", StringComparison.Ordinal) ? "/dev/shm/" : begun.StartsWith('/') ? "/" : "";
            return [.. SharedMemoryDirectory.Enumerate().Select(entry => new CompletionItem(slash + EscapedText.OfName(entry.NameBytes.Span)))];
        }
        catch (Exception e) when (Failure.IsKnown(e))
        {
            // A shell that is completing a word cannot show failures.
            return [];
        }
    }
}
