namespace Posix.SharedMemory.Benchmarks;

/// <summary>Places values on a line of a picture by their logarithm.</summary>
/// <param name="least">The value at <paramref name="start"/>.</param>
/// <param name="most">The value at <paramref name="end"/>.</param>
/// <param name="start">Where the line starts in the picture.</param>
/// <param name="end">Where it ends; before its start for an axis that goes up.</param>
internal sealed class LogAxis(double least, double most, double start, double end)
{
    internal double Place(double value) => start + ((end - start) * Math.Log(value / least) / Math.Log(most / least));

    /// <summary>The powers of ten on it.</summary>
    internal IEnumerable<double> Decades()
    {
        for (var power = (int)Math.Ceiling(Math.Log10(least) - 1e-9); Math.Pow(10, power) <= most * (1 + 1e-9); power++)
        {
            yield return Math.Pow(10, power);
        }
    }
}
