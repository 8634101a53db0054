using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>
/// Writes <c>docs/benchmarks.md</c> and <c>docs/benchmarks-tables.md</c> from what was measured and from <c>report.md</c> and <c>tables.md</c>, which hold the words; and
/// draws the plots beside them.
/// </summary>
/// <remarks>
/// A word in double braces is replaced: <c>{{run}}</c>, <c>{{aims}}</c>, <c>{{tables QUESTION…}}</c>, and of one candidate
/// <c>{{time KEY}}</c>, <c>{{ratio KEY}}</c> (both processor time), <c>{{bytes KEY}}</c>. What stands in the document from the heading "The command" on is not
/// measured here and stays.
/// </remarks>
internal sealed partial class Report
{
    private const string Document = "docs/benchmarks.md";
    private const string DocumentOfTables = "docs/benchmarks-tables.md";
    private const string Measured = "benchmarks/Posix.SharedMemory.Benchmarks/results.json";
    private const string KeptFrom = "\n## The command\n";

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, Converters = { new JsonStringEnumConverter() } };

    private readonly Repository _repository;
    private readonly string _template;
    private readonly string _templateOfTables;

    /// <exception cref="InvalidOperationException">The template, an aim or a plot names a candidate that does not exist.</exception>
    internal Report(Repository repository)
    {
        _repository = repository;
        _template = Template("report.md");
        _templateOfTables = Template("tables.md");
        string[] named =
        [
            .. Placeholder().Matches(_template + _templateOfTables).Where(match => match.Groups["word"].Value is "time" or "ratio" or "bytes").Select(match => match.Groups["rest"].Value),
            .. Aims.All.SelectMany(aim => aim.Keys.Concat(aim.References)),
            .. Overview.Keys,
            .. GrowthPlot.Keys,
        ];
        var known = Question.Keys();
        if (Array.Find(named, key => !known.Contains(key)) is { } unknown)
        {
            throw new InvalidOperationException($"There is no candidate {unknown}, which the report names.");
        }
    }

    /// <summary>Writes document, plots and the numbers themselves.</summary>
    /// <returns>The files written.</returns>
    internal IReadOnlyList<string> Write(Results results)
    {
        File.WriteAllText(_repository[Measured], JsonSerializer.Serialize(results, s_json) + "\n");
        return [Measured, .. Draw(results)];
    }

    /// <summary>Writes document and plots again from the numbers of the last run.</summary>
    /// <returns>The files written.</returns>
    /// <exception cref="InvalidOperationException">There was none.</exception>
    internal IReadOnlyList<string> WriteAgain()
    {
        var path = _repository[Measured];
        return File.Exists(path)
            ? Draw(JsonSerializer.Deserialize<Results>(File.ReadAllText(path), s_json)!)
            : throw new InvalidOperationException($"There is no {Measured} yet: run compare.");
    }

    // Its links are right where it is; the document is in docs/.
    private string Template(string name) =>
        File.ReadAllText(_repository["benchmarks/Posix.SharedMemory.Benchmarks/" + name]).Replace("../../docs/", "", StringComparison.Ordinal);

    private string[] Draw(Results results)
    {
        (string Path, string Text)[] files =
        [
            (Document, Fill(_template, results) + Kept()),
            (DocumentOfTables, Fill(_templateOfTables, results)),
            ("docs/pictures/benchmarks-overview.svg", Overview.Draw(results)),
            ("docs/pictures/benchmarks-growth.svg", GrowthPlot.Draw(results)),
        ];
        foreach (var (path, text) in files)
        {
            File.WriteAllText(_repository[path], text);
        }

        return [.. files.Select(file => file.Path)];
    }

    private static string Fill(string template, Results results) => Placeholder().Replace(template, match => Replacement(results, match.Groups["word"].Value, match.Groups["rest"].Value)).TrimEnd() + "\n";

    private static string Replacement(Results results, string word, string rest) => word switch
    {
        "run" => string.Join('\n', [results.Circumstances.Describe(), .. results.Skipped.Select(line => $"\n{line}")]),
        "aims" => Aims.Judge(results),
        "tables" => Tables(results, rest.Split(' ')),
        "time" => results.Find(rest) is { } row ? Amount.OfTime(row.Processor) : "–",
        "ratio" => results.Find(rest) is { } row ? Amount.OfRatio(row.ProcessorRatio) : "–",
        "bytes" => results.Find(rest) is { } row ? Amount.OfNumber(row.Allocated) : "–",
        _ => throw new InvalidOperationException($"The template: nothing is called {word}."),
    };

    private static string Tables(Results results, string[] questions) => string.Join('\n', results.Comparisons
        .Where(comparison => questions.Contains(comparison.Question, StringComparer.Ordinal)).Select(Table.Of)).TrimEnd();

    private string Kept()
    {
        var path = _repository[Document];
        var text = File.Exists(path) ? File.ReadAllText(path) : "";
        return text.IndexOf(KeptFrom, StringComparison.Ordinal) is var at and >= 0 ? text[at..] : "";
    }

    [GeneratedRegex(@"\{\{(?<word>\w+) ?(?<rest>[^}]*)\}\}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Placeholder();
}
