namespace Posix.SharedMemory.Benchmarks;

/// <summary>A question about access to memory: what is ours in it may allocate nothing, or the run fails.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class AllocatesNothingAttribute : Attribute;
