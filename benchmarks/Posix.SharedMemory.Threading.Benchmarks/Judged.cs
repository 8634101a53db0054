using System.Globalization;

namespace Posix.SharedMemory.Threading.Benchmarks;

/// <summary>An aim beside what was measured.</summary>
internal static class Judged
{
    internal const string Head = "| aim | measured | |\n|---|---|---|";

    internal static string AtMost(string what, double measured, double most) =>
        string.Create(CultureInfo.InvariantCulture, $"| {what}: at most {most} | {measured:F2} | {(measured <= most ? "met" : "not met")} |");

    internal static string AtLeast(string what, double measured, double least) =>
        string.Create(CultureInfo.InvariantCulture, $"| {what}: at least {least} | {measured:F2} | {(measured >= least ? "met" : "not met")} |");

    internal static string Percentiles(string name, IEnumerable<double> microseconds)
    {
        var sorted = microseconds.Order().ToArray();
        return string.Create(CultureInfo.InvariantCulture, $"| {name} | {sorted.Length} | {At(sorted, 0.5):F1} | {At(sorted, 0.9):F1} | {At(sorted, 0.99):F1} | {sorted[^1]:F1} |");
    }

    internal static double At(IEnumerable<double> values, double share)
    {
        var sorted = values.Order().ToArray();
        return sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];
    }
}
