using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Interop;

/// <summary>Starts a partner of the tests that is written in another language: in C by glibc or musl, or in Python.</summary>
internal static class Languages
{
    private static readonly Lazy<bool> s_hasPython = new(HasPython);

    /// <summary>Starts it. The directory keeps what Python needs.</summary>
    internal static Peer Start(
        string language, TemporaryDirectory directory, string partner, string name, long length, string role, long from, long count, int window = 0, int times = 0, bool inNamespace = false) =>
        StartAt(language, directory, partner, "/dev/shm/" + name, length, role, from, count, window, times, inNamespace);

    /// <inheritdoc cref="Start"/>
    internal static Peer StartAt(
        string language, TemporaryDirectory directory, string partner, string path, long length, string role, long from, long count, int window = 0, int times = 0, bool inNamespace = false)
    {
        string[] arguments = [path, Text(length), role, Text(from), Text(count), Text(window), Text(times)];
        if (language == "python")
        {
            return Peer.Run("python3", [PreparePython(directory, partner), .. arguments]);
        }

        Skip.IfNot(Installed.Has(language), $"{language} is not on this machine.");
        var program = CPrograms.Build(language, partner + ".c");
        return inNamespace ? Peer.Run("unshare", ["--pid", "--fork", "--kill-child", program, .. arguments]) : Peer.Run(program, arguments);
    }

    internal static void RequirePython() => Skip.IfNot(s_hasPython.Value, "Python 3.10 with libatomic.so.1 is not on this machine.");

    /// <summary>The length of the message of a number, where every length is to come; its bytes count up from the number.</summary>
    internal static int SizeOf(long number, int most) => (int)(number * 7919 % (most + 1));

    internal static void FillSized(Span<byte> message, long number)
    {
        for (var i = 0; i < message.Length; i++)
        {
            message[i] = (byte)(number + i);
        }
    }

    /// <summary>Whether a message is that of a number, which has a length.</summary>
    internal static bool IsSized(ReadOnlySpan<byte> message, long number, int length)
    {
        Span<byte> expected = stackalloc byte[length];
        FillSized(expected, number);
        return message.SequenceEqual(expected);
    }

    /// <summary>Windows at which a partner is killed, and how often it passes each before.</summary>
    internal static IEnumerable<(int Window, int Times)> Windows(int[] windows) =>
        from window in windows
        from times in window <= 8 ? [1] : (int[])[1, 2, 3, 17]
        select (window, times);

    private static string PreparePython(TemporaryDirectory directory, string partner)
    {
        var program = Path.Combine(directory.Path, partner + ".py");
        if (File.Exists(program))
        {
            return program;
        }

        RequirePython();
        foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "interop"), "*.py"))
        {
            File.Copy(file, Path.Combine(directory.Path, Path.GetFileName(file)), overwrite: true);
        }

        File.Copy(Path.Combine(AppContext.BaseDirectory, "Interop", partner + ".py"), program);
        return program;
    }

    private static bool HasPython()
    {
        using var check = Process.Start(new ProcessStartInfo("python3", ["-c", "import ctypes, sys; ctypes.CDLL('libatomic.so.1'); sys.exit(sys.version_info < (3, 10))"])
        {
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        check.WaitForExit();
        return check.ExitCode == 0;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
