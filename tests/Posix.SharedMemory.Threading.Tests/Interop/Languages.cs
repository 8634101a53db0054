using System.Diagnostics;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The partner of the tests in another language, which joins the roster at the beginning of the memory.</summary>
internal static class Languages
{
    /// <param name="language">c, musl or python.</param>
    /// <param name="directory">Where the Python program goes.</param>
    /// <param name="memory">Whose file it maps.</param>
    internal static Peer Start(string language, TemporaryDirectory directory, Memory memory) => language == "python"
        ? Peer.Run("python3", Prepare(directory), "/dev/shm/" + memory.Name)
        : Peer.Run(CCompilation.Build(language == "musl" ? "musl-gcc" : "cc", "partner.c"), "/dev/shm/" + memory.Name);

    /// <summary>Runs a program in Python, which finds psm in the directory of its first argument.</summary>
    internal static Peer RunPython(string program)
    {
        RequirePython();
        return Peer.Run("python3", "-c", program, Path.Combine(AppContext.BaseDirectory, "interop"));
    }

    private static string Prepare(TemporaryDirectory directory)
    {
        RequirePython();
        foreach (var file in (string[])["interop/psm.py", "Interop/partner.py"])
        {
            File.Copy(Path.Combine(AppContext.BaseDirectory, file), Path.Combine(directory.Path, Path.GetFileName(file)), overwrite: true);
        }

        return Path.Combine(directory.Path, "partner.py");
    }

    private static void RequirePython()
    {
        using var check = Process.Start(new ProcessStartInfo("python3", ["-c", "import ctypes, sys; ctypes.CDLL('libatomic.so.1'); sys.exit(sys.version_info < (3, 10))"])
        {
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        check.WaitForExit();
        Skip.IfNot(check.ExitCode == 0, "Python 3.10 with libatomic.so.1 is not on this machine.");
    }
}
