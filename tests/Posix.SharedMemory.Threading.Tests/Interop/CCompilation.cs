using System.Diagnostics;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Programs in C of the tests, which use psm.h.</summary>
internal static class CCompilation
{
    /// <summary>Compiles a program, unless that was done already. Skips the test where the compiler is missing.</summary>
    /// <param name="compiler">cc or musl-gcc.</param>
    /// <param name="source">A file of Interop/.</param>
    /// <param name="directory">Where the program goes.</param>
    internal static string Build(string compiler, string source, TemporaryDirectory directory)
    {
        Skip.IfNot(Installed.Has(compiler), $"{compiler} is not on this machine.");
        var program = Path.Combine(directory.Path, $"{compiler}-{source}.out");
        if (!File.Exists(program))
        {
            string[] arguments =
            [
                "-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-pthread", .. compiler == "musl-gcc" ? ["-static"] : Array.Empty<string>(),
                "-I" + Path.Combine(AppContext.BaseDirectory, "interop"), "-o", program, .. Sources(source).Select(file => Path.Combine(AppContext.BaseDirectory, "Interop", file)),
            ];
            using var process = Process.Start(new ProcessStartInfo(compiler, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
            var errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, errors);
        }

        return program;
    }

    // The partner is of two files, as programs are.
    private static string[] Sources(string source) => source == "partner.c" ? [source, "elsewhere.c"] : [source];
}
