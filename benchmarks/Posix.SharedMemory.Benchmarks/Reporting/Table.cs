using System.Globalization;
using System.Text;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>Writes what was measured as Markdown tables.</summary>
internal static class Table
{
    internal static string Of(Compared comparison)
    {
        string[] title = [comparison.Question, comparison.Label, comparison.Category];
        var text = new StringBuilder()
            .Append(CultureInfo.InvariantCulture, $"### {string.Join(", ", title.Where(part => part.Length > 0))}\n\n")
            .Append("| | ns | spread | × baseline | cpu ns | × baseline | B |\n|---|--:|--:|--:|--:|--:|--:|\n");
        foreach (var row in comparison.Rows)
        {
            Append(text, [
                row.Name,
                Amount.OfNumber(row.Elapsed),
                $"{Amount.OfNumber(row.Fastest)}–{Amount.OfNumber(row.Slowest)}",
                Amount.OfNumber(row.ElapsedRatio),
                Amount.OfNumber(row.Processor),
                Amount.OfNumber(row.ProcessorRatio),
                row.Allocated.ToString("N0", CultureInfo.InvariantCulture)]);
        }

        return text.Append(Latencies(comparison)).ToString();
    }

    private static StringBuilder Latencies(Compared comparison)
    {
        var text = new StringBuilder();
        if (comparison.Rows.Any(row => row.Latency is not null))
        {
            text.Append("\n| single calls, ns | p50 | p90 | p99 | p99.9 | calls |\n|---|--:|--:|--:|--:|--:|\n");
        }

        foreach (var row in comparison.Rows)
        {
            if (row.Latency is { } latency)
            {
                Append(text, [
                    row.Name,
                    Amount.OfNumber(latency.P50),
                    Amount.OfNumber(latency.P90),
                    latency.P99 is { } p99 ? Amount.OfNumber(p99) : "–",
                    latency.P999 is { } p999 ? Amount.OfNumber(p999) : "–",
                    latency.Samples.ToString("N0", CultureInfo.InvariantCulture)]);
            }
        }

        return text;
    }

    private static void Append(StringBuilder text, string[] cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
}
