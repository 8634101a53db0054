namespace Posix.SharedMemory.Tests.Faults;

/// <summary>Tests that count what the whole process holds run when no other does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    internal const string Name = "alone";
}
