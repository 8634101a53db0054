using System.Globalization;

namespace Posix.SharedMemory.Testing;

/// <summary>How long tests may go on that could go on for ever: little by default, more by environment variable.</summary>
public static class Effort
{
    /// <summary>Gets the seconds that a stress test runs: <c>STRESS_SECONDS</c>.</summary>
    public static double StressSeconds => Number("STRESS_SECONDS") ?? 2;

    /// <summary>Gets the seconds for which everything around a bridge is killed at random: <c>BRIDGE_SOAK_SECONDS</c>.</summary>
    public static double BridgeSoakSeconds => Number("BRIDGE_SOAK_SECONDS") ?? 0;

    /// <summary>How many rounds two processes grow one region: <c>GROW_ROUNDS</c>.</summary>
    public static int GrowRounds(int usual) => (int?)Number("GROW_ROUNDS") ?? usual;

    /// <summary>How many messages with handles are passed while calls fail: <c>PASS_ROUNDS</c>.</summary>
    public static int PassRounds(int usual) => (int?)Number("PASS_ROUNDS") ?? usual;

    /// <summary>How often a service is killed and started again: <c>RESTARTS</c>.</summary>
    public static int Restarts => (int?)Number("RESTARTS") ?? 50;

    private static double? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? double.Parse(text, CultureInfo.InvariantCulture) : null;
}
