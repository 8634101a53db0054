using System.Globalization;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>How numbers are written.</summary>
internal static class Amount
{
    /// <summary>A number of bytes in the largest unit that divides it.</summary>
    internal static string OfBytes(long bytes) => bytes switch
    {
        _ when bytes % (1 << 30) == 0 => $"{bytes >> 30} GiB",
        _ when bytes % (1 << 20) == 0 => $"{bytes >> 20} MiB",
        _ when bytes % (1 << 10) == 0 => $"{bytes >> 10} KiB",
        _ => $"{bytes} B",
    };

    /// <summary>About three digits.</summary>
    internal static string OfNumber(double value) =>
        value.ToString(Math.Abs(value) switch { 0 => "F0", < 0.001 => "G2", < 0.1 => "F4", < 10 => "F3", < 100 => "F1", _ => "N0" }, CultureInfo.InvariantCulture);

    /// <summary>A ratio as prose has it: two digits behind the point where they mean something.</summary>
    internal static string OfRatio(double value) =>
        value.ToString(value switch { < 0.01 => "G2", < 10 => "F2", < 100 => "F1", _ => "N0" }, CultureInfo.InvariantCulture);

    /// <summary>Nanoseconds in the unit that reads best.</summary>
    internal static string OfTime(double nanoseconds) => nanoseconds switch
    {
        < 1e3 => $"{Short(nanoseconds)} ns",
        < 1e6 => $"{Short(nanoseconds / 1e3)} µs",
        < 1e9 => $"{Short(nanoseconds / 1e6)} ms",
        _ => $"{Short(nanoseconds / 1e9)} s",
    };

    private static string Short(double value) => value.ToString(value switch { < 10 => "F1", _ => "F0" }, CultureInfo.InvariantCulture);
}
