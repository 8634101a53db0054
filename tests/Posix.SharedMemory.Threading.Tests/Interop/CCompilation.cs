namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Programs in C of the tests, which use psm.h.</summary>
internal static class CCompilation
{
    /// <summary>Compiles a program, unless that was done already. Skips the test where the compiler is missing.</summary>
    /// <param name="compiler">cc or musl-gcc.</param>
    /// <param name="source">A file of Interop/.</param>
    internal static string Build(string compiler, string source)
    {
        Skip.IfNot(Installed.Has(compiler), $"{compiler} is not on this machine.");
        // The partner is of two files, as programs are.
        return source == "partner.c" ? CPrograms.Build(compiler, source, "elsewhere.c") : CPrograms.Build(compiler, source);
    }
}
