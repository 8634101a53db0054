using System.Collections.Concurrent;
using System.Diagnostics;

namespace Posix.SharedMemory.Testing;

/// <summary>Programs in C of the tests, which use psm.h: each is compiled once for all tests of a run.</summary>
public static class CPrograms
{
    private static readonly ConcurrentDictionary<string, Lazy<string>> s_built = new(StringComparer.Ordinal);
    private static readonly Lazy<string> s_directory = new(MakeDirectory);

    // Removes the directory once its input ends, which it does with this process, in whatever way that ends.
    private static Process? s_remover;

    /// <summary>Compiles a program, unless that was done already.</summary>
    /// <param name="compiler">cc or musl-gcc.</param>
    /// <param name="sources">Files of the directory Interop beside the tests' program. The first names the program.</param>
    /// <returns>Where the program is, until the tests end.</returns>
    public static string Build(string compiler, params string[] sources) =>
        s_built.GetOrAdd($"{compiler}-{sources[0]}", name => new Lazy<string>(() => Compile(compiler, sources, Path.Combine(s_directory.Value, name + ".out")))).Value;

    private static string Compile(string compiler, string[] sources, string program)
    {
        string[] options =
        [
            "-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-pthread", .. compiler == "musl-gcc" ? ["-static"] : Array.Empty<string>(),
            "-I" + Path.Combine(AppContext.BaseDirectory, "interop"), "-o", program, .. sources.Select(file => Path.Combine(AppContext.BaseDirectory, "Interop", file)),
        ];
        using var process = Process.Start(new ProcessStartInfo(compiler, options) { RedirectStandardError = true, UseShellExecute = false })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? program : throw new InvalidOperationException(errors);
    }

    private static string MakeDirectory()
    {
        var directory = Directory.CreateTempSubdirectory("shm-programs-").FullName;
        // Other users run what is in it.
        File.SetUnixFileMode(directory, File.GetUnixFileMode(directory) | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        s_remover = Process.Start(new ProcessStartInfo("sh", ["-c", "cat >/dev/null; rm -r \"$1\"", "sh", directory]) { RedirectStandardInput = true, UseShellExecute = false });
        return directory;
    }
}
