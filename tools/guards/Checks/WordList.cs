using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Guards.Checks;

/// <summary>Patterns that no English-speaking engineer would write, in what a person reads: comments, strings and pages. style.md has the reasons.</summary>
internal static class WordList
{
    /// <summary>What is right all the same, wherever it is.</summary>
    private static readonly string[] s_allowed = [];

    private static readonly (Regex Pattern, string Instead)[] s_patterns =
    [
        (Words(@"(?<!\bthere )is no (?!longer\b|reason\b|more\b|less\b|such\b|different\b|\w+er\b)\w+"), "is not a …"),
        (Words(@"(?-i:\bWho) (has|have|holds|maps|mapped|reads|writes|opens|opened|is|was|gets|waits|asks|wants|already|only|touches|creates)\b(?![^.!:\n|]*\?)(?=[^\n]*[.,;])"), "name the subject: a process that …"),
        (Words(@"\b(he|his|him)\b"), "it, its: a process is a thing"),
        (Words(@"\bbehind (the|its) (end|last|length)\b"), "past the end"),
        (Words(@"\bkernel's word\b"), "according to the kernel"),
        (Words(@"\b(to|can|may|could|not) be had\b"), "is available, can be obtained"),
        (Words(@"\bstands? (behind|under|beside|still)\b"), "is, follows, is stopped"),
        (Words(@"\bas (long|large|big) as it then is\b"), "at whatever size it currently has"),
        (Words(@"\bare well\b|\bis well\b(?! \w)"), "is fine"),
        (Words(@"\bbefore (it|the object|the file) is long\b"), "before it has its size"),
        (Words(@"\bmakes? (it|them|an object|the object|a file|the file) long\b"), "sets the size of"),
        (Words(@"\b(end|ends|ended|ending|exit|exits|stops?|disposed|closed) in order\b|\bin order only\b"), "cleanly, normally"),
        (Words(@"\bdie[sd]? of\b"), "is killed by"),
        (Words(@"\banew\b"), "again"),
        (Words(@"\b(as )?one likes\b"), "any"),
        (Words(@"\bthose (values )?there are\b|\bthe values there are\b|\bof the \w+ there are\b"), "that are defined"),
        (Words(@"\bare no matter\b|\bis no matter\b"), "does not matter"),
        (Words(@"\bwill bite\b|\bwhat bites\b"), "will cause trouble"),
        (Words(@"\bmend(s|ed|ing)?\b"), "fix"),
        (Words(@"\btells? (whether|which|how|so|more|nothing)\b"), "says, shows, returns"),
        (Words(@"\b(do|does|did) not tell\b|\btells (of|that|whoever)\b"), "does not say, reports, reveals"),
        (Words(@"\b(is|are|was|were) (no longer )?told\b(?! (apart|to)\b)"), "learns, is notified, gets an exception"),
        (Words(@"\bin th(e|at) (very )?instant\b"), "at the moment, while"),
        (Words(@"\bha(s|ve|d) (it|the object|the file|them) alone\b"), "has exclusive access"),
        (Words(@"\bby the (way|word) of the\b"), "through, according to"),
        (Words(@"\bof a sudden\b|\bsuch as are\b|\bsuch a one\b"), "say it plainly"),
        (Words(@"\bwhosoever\b|\bwhoso\b|\bthereof\b|\btherein\b|\bthereby\b|\bwherein\b"), "say it plainly"),
        (Words(@"[;,(] not told\b"), "unknown"),
        (Words(@"\bdoing it twice is\b"), "further calls have no effect"),
        (Words(@"\bgoes? (over to|without saying)\b"), "say it plainly"),
        (Words(@"\b(has|have|with) nobody\b"), "no process has"),
    ];

    /// <summary>What makes the name of a test need a second reading.</summary>
    private static readonly (Regex Pattern, string Instead)[] s_patternsOfNames =
    [
        (Words(@"^What "), "name the subject: a file that …, bytes that …"),
        (Words(@"\bslept through\b"), "no waiter sleeps through it"),
        (Words(@"\ball the same\b"), "still"),
    ];

    internal static IEnumerable<Finding> IsKept(Repository repository) =>
        from file in repository.Files
        where !file.Path.StartsWith("tools/guards/", StringComparison.Ordinal)
        from finding in Texts(file).SelectMany(text => Judge(file, text, s_patterns)).Concat(NamesOfTests(file).SelectMany(name => Judge(file, name, s_patternsOfNames)))
        select finding;

    private static IEnumerable<Finding> Judge(SourceFile file, (int Start, string Text) text, (Regex Pattern, string Instead)[] patterns) =>
        from entry in patterns
        from Match match in entry.Pattern.Matches(text.Text)
        where !Array.Exists(s_allowed, allowed => text.Text.AsSpan(Math.Max(0, match.Index - allowed.Length)).Contains(allowed, StringComparison.OrdinalIgnoreCase))
        select file.At(text.Start + match.Index, $"'{match.Value}': {entry.Instead}");

    private static Regex Words(string pattern) => new(pattern, RegexOptions.IgnoreCase | RegexOptions.Compiled);

    private static IEnumerable<(int Start, string Text)> Texts(SourceFile file) =>
        file.IsCSharp ? TextsOfCode(file)
        : file.Path.EndsWith(".md", StringComparison.Ordinal) ? [(0, Pages.WithoutCode(file.Text))]
        : [];

    private static IEnumerable<(int Start, string Text)> TextsOfCode(SourceFile file) =>
        file.Comments.Select(comment => (comment.SpanStart, comment.ToString()))
            .Concat(file.Root.DescendantTokens().Where(IsText).Select(token => (token.SpanStart, token.ToString())))
            .Concat(NamesOfTests(file));

    // They are sentences too.
    private static IEnumerable<(int Start, string Text)> NamesOfTests(SourceFile file) => !file.IsCSharp ? [] :
        file.Root.DescendantNodes().OfType<MethodDeclarationSyntax>().Where(IsTest).Select(test => (test.Identifier.SpanStart, test.Identifier.ValueText.Replace('_', ' ')));

    private static bool IsTest(MethodDeclarationSyntax method) =>
        method.AttributeLists.SelectMany(list => list.Attributes).Any(attribute => attribute.Name.ToString().EndsWith("Fact", StringComparison.Ordinal) || attribute.Name.ToString().EndsWith("Theory", StringComparison.Ordinal));

    private static bool IsText(SyntaxToken token) => token.Kind() is
        SyntaxKind.StringLiteralToken or SyntaxKind.InterpolatedStringTextToken or SyntaxKind.SingleLineRawStringLiteralToken or SyntaxKind.MultiLineRawStringLiteralToken
        or SyntaxKind.Utf8StringLiteralToken or SyntaxKind.Utf8MultiLineRawStringLiteralToken or SyntaxKind.Utf8SingleLineRawStringLiteralToken;
}
