namespace Posix.SharedMemory.Benchmarks;

/// <summary>A candidate that runs in a process of its own: the method takes the number of repetitions, and returns what all of them took, elapsed and of the processor.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class AloneAttribute(string category = "") : Attribute
{
    internal string Category => category;
}
