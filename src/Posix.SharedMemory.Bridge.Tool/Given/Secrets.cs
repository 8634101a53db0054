namespace Posix.SharedMemory.Bridge.Tool;

/// <summary>What the server wants to know. It comes from the environment: a command line is seen by every user of the machine.</summary>
internal sealed record Secrets(string? User, string? Password, string? Token)
{
    internal static Secrets FromEnvironment() =>
        new(Environment.GetEnvironmentVariable("SHM_BRIDGE_USER"), Environment.GetEnvironmentVariable("SHM_BRIDGE_PASSWORD"), Environment.GetEnvironmentVariable("SHM_BRIDGE_TOKEN"));
}
