namespace Posix.SharedMemory.Benchmarks;

/// <summary>A question whose calls are also timed one by one: a mean would hide how long the slow ones take.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class LatenciesAttribute : Attribute;
