namespace Posix.SharedMemory.Abi.Tests;

/// <summary>A constant expression of C, and the macro without which the headers cannot answer it.</summary>
internal sealed record Question(string Expression, string? Guard)
{
    internal static Question OfMacro(string name) => new(name, name);
}
