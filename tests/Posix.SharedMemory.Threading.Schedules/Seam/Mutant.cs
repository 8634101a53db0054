namespace Posix.SharedMemory.Threading;

/// <summary>Which part of the library is left out or changed, if any. The files of Mutants/ write the questions into copies of the sources.</summary>
internal static class Mutant
{
    internal static string? Chosen { get; set; }

    internal static bool Is(string name) => name == Chosen;

    /// <summary>If the mutant is chosen, does something.</summary>
    internal static bool Does(string name, Action act)
    {
        if (Is(name))
        {
            act();
        }

        return true;
    }
}
