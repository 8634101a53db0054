namespace Posix.SharedMemory.Tests.Mapping;

/// <summary>The garbage collector, run until something has come true.</summary>
internal static class Collector
{
    /// <summary>Collects and finalizes until a condition holds.</summary>
    internal static void RunUntil(Func<bool> condition, string what) => Watchdog.Until(
        () =>
        {
#pragma warning disable RS0030 // The rules under test are about the collector.
            GC.Collect();
#pragma warning restore RS0030
            GC.WaitForPendingFinalizers();
            return condition();
        },
        what);
}
