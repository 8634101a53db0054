namespace Posix.SharedMemory.Benchmarks;

/// <summary>Whose way of doing a thing a candidate is, as its name tells: <c>…InC</c>, <c>…InCAlone</c>, <c>…InCWithSameCalls</c>, <c>…InBaseLibrary</c>; the others are ours.</summary>
internal enum Side
{
    C,
    BaseLibrary,
    Ours,
}
