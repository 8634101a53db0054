using System.Globalization;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>What a run ran on, when, and beside what.</summary>
internal sealed record Circumstances(string Processor, int Processors, bool IsVirtual, long MemoryMiB, string Kernel, string Runtime, string Compiler, string Commit)
{
    public DateTimeOffset Start { get; init; }

    public DateTimeOffset End { get; init; }

    public string LoadBefore { get; init; } = "";

    public string LoadAfter { get; init; } = "";

    /// <summary>Gets the part of the processors' time that other processes took, and the host of a virtual machine.</summary>
    public double OthersShare { get; init; }

    /// <summary>Looks around before a run.</summary>
    internal static Circumstances Now(Repository repository)
    {
        var processor = File.ReadLines("/proc/cpuinfo").ToList();
        return new(
            ValueOf(processor, "model name") ?? RuntimeInformation.ProcessArchitecture.ToString(),
            Environment.ProcessorCount,
            ValueOf(processor, "flags")?.Contains("hypervisor", StringComparison.Ordinal) == true,
            MemoryInfo("MemTotal") >> 20,
            File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
            RuntimeInformation.FrameworkDescription,
            Repository.FirstLineOf("cc", "--version"),
            repository.Commit())
        {
            Start = TimeProvider.System.GetUtcNow(),
            LoadBefore = Load(),
        };
    }

    /// <summary>Adds what is known after the run.</summary>
    /// <param name="before">What <see cref="BusyTime"/> said before it.</param>
    internal Circumstances Ended((TimeSpan Everyone, TimeSpan Own) before)
    {
        var end = TimeProvider.System.GetUtcNow();
        var (everyone, own) = BusyTime();
        var others = everyone - before.Everyone - (own - before.Own);
        return this with { End = end, LoadAfter = Load(), OthersShare = Math.Max(0, others / ((end - Start) * Processors)) };
    }

    /// <summary>How long the processors have been busy since the machine started, for everyone and for this process.</summary>
    internal static (TimeSpan Everyone, TimeSpan Own) BusyTime()
    {
        // cpu user nice system idle iowait irq softirq steal …, in hundredths of a second.
        var ticks = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1)
            .Select(field => long.Parse(field, CultureInfo.InvariantCulture)).Take(8).ToList();
        const int Idle = 3, Waiting = 4;
        return (TimeSpan.FromSeconds((ticks.Sum() - ticks[Idle] - ticks[Waiting]) / 100.0), Environment.CpuUsage.TotalTime);
    }

    /// <summary>A line of <c>/proc/meminfo</c>, in bytes.</summary>
    internal static long MemoryInfo(string name) =>
        long.Parse(ValueOf(File.ReadLines("/proc/meminfo"), name)!.Split(' ')[0], CultureInfo.InvariantCulture) << 10;

    /// <summary>The run in words.</summary>
    internal string Describe() => string.Create(CultureInfo.InvariantCulture,
        $"""
        {Processor}, {Processors} processors, {MemoryMiB:N0} MiB of memory{(IsVirtual ? ", a virtual machine" : "")}; Linux {Kernel}; {Runtime}; {Compiler}.
        Commit {Commit}, {Start:yyyy-MM-dd HH:mm}–{End:HH:mm} UTC ({(End - Start).TotalMinutes:F1} minutes). Load average {LoadBefore} before and {LoadAfter} after, of which the benchmark itself is 1;
        other processes took {OthersShare:P0} of the processors' time.
        """);

    private static string Load() => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    private static string? ValueOf(IEnumerable<string> lines, string name) =>
        lines.FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim();
}
