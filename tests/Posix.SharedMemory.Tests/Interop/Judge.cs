using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Posix.SharedMemory.Tests.Interop;

/// <summary>A program in another language that does what lines tell it; <c>tests/interop/shm_judge.c</c> lists them.</summary>
public sealed class Judge : IDisposable
{
    private static readonly Lazy<DirectoryInfo> s_programs = new(() =>
    {
        var directory = Directory.CreateTempSubdirectory("shm-judges-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => directory.Delete(recursive: true);
        return directory;
    });

    private static readonly ConcurrentDictionary<string, Lazy<string>> s_compiled = new(StringComparer.Ordinal);

    private static readonly Dictionary<string, string> s_tools = new(StringComparer.Ordinal)
    {
        ["c"] = "cc",
        ["python"] = "python3",
        ["rust"] = "rustc",
        ["go"] = "go",
    };

    private readonly Peer _peer;

    private Judge(Peer peer) => _peer = peer;

    /// <summary>Gets the process's number.</summary>
    public int ProcessId => _peer.ProcessId;

    /// <summary>Gets the languages; one that this machine lacks says so, and with that in the line of its skipped test.</summary>
    public static TheoryData<string> Languages =>
        [.. s_tools.Select(pair => Installed.Has(pair.Value) ? pair.Key : $"{pair.Key}{Missing(pair.Value)}")];

    /// <summary>Starts the judge in <c>c</c>, <c>python</c>, <c>rust</c> or <c>go</c>. Where the machine has no such compiler the test is skipped.</summary>
    public static Judge Start(string language)
    {
        language = language.Split(',')[0];
        var tool = s_tools[language];
        Skip.IfNot(Installed.Has(tool), $"{language}{Missing(tool)}");
        var source = Path.Combine(AppContext.BaseDirectory, "interop", "shm_judge.");
        return new(language switch
        {
            "c" => Peer.Run(Compiled("cc", program => ["-O1", "-Wall", "-Wextra", "-Werror", "-o", program, source + "c"])),
            "rust" => Peer.Run(Compiled("rustc", program => ["-O", "-o", program, source + "rs"])),
            "go" => Peer.Run(Compiled("go", program => ["build", "-o", program, source + "go"])),
            "python" => Peer.Run("python3", source + "py"),
            _ => throw new ArgumentOutOfRangeException(nameof(language), language, "No such judge."),
        });
    }

    /// <summary>Sends a line and reads the answer.</summary>
    public string Ask(string command, params object[] words)
    {
        _peer.Tell(string.Join(' ', [command, .. words.Select(word => Convert.ToString(word, CultureInfo.InvariantCulture))]));
        return _peer.ReadLine();
    }

    /// <summary>Writes a name as judges read it.</summary>
    public static string Hex(string name) => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(name));

    /// <summary>Ends the process with SIGKILL.</summary>
    public void Kill() => _peer.Kill();

    /// <inheritdoc/>
    public void Dispose() => _peer.Dispose();

    private static string Missing(string tool) => $", not judged: this user has no {tool} here";

    /// <summary>Compiles once in a run.</summary>
    private static string Compiled(string compiler, Func<string, IEnumerable<string>> arguments) =>
        s_compiled.GetOrAdd(compiler, _ => new(() =>
        {
            var path = Path.Combine(s_programs.Value.FullName, "judge-" + compiler);
            using var process = Process.Start(new ProcessStartInfo(compiler, arguments(path)) { RedirectStandardError = true, UseShellExecute = false })!;
            var said = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? path : throw new InvalidOperationException($"{compiler} refused the judge: {said}");
        })).Value;
}
