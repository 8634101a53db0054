using System.Diagnostics;

namespace Posix.SharedMemory.Testing;

/// <summary>Another process that a test talks to by lines. Disposing kills it if it still runs.</summary>
public sealed class Peer : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    private Peer(ProcessStartInfo start)
    {
        // A runtime that is killed would leave its sockets for debuggers in the directory of temporary files.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        _process = Process.Start(start)!;
        _errors = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>Gets the path of <c>Posix.SharedMemory.TestPeer</c>, which the test's build put beside it.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.TestPeer");

    /// <summary>Gets the process's number.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Gets whether the process has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Gets the process's input, for lines and bytes.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <summary>Starts <c>Posix.SharedMemory.TestPeer</c> with a command.</summary>
    public static Peer Start(string command, params string[] arguments) => Run(Program, [command, .. arguments]);

    /// <summary>Starts any program.</summary>
    public static Peer Run(string program, params string[] arguments) => new(new(program, arguments));

    /// <summary>Sends a line. That the process has ended is found when its next line is read, with what it said.</summary>
    public void Tell(string line)
    {
        try
        {
            _process.StandardInput.WriteLine(line);
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // A process that is killed at a random instant may be gone already.
        }
    }

    /// <summary>Reads the next line the process prints.</summary>
    /// <exception cref="InvalidOperationException">It ended without one; the message holds what it said on its error stream.</exception>
    public string ReadLine() =>
        Watchdog.Run(_process.StandardOutput.ReadLine, $"a line from {_process.StartInfo.FileName}")
        ?? throw new InvalidOperationException($"The peer ended without a line. It said: {_errors.GetAwaiter().GetResult()}");

    /// <summary>Sends a line and reads the answer.</summary>
    public string Ask(string line)
    {
        Tell(line);
        return ReadLine();
    }

    /// <summary>Ends the process with SIGKILL.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Waits for the process to end.</summary>
    /// <returns>Its exit code, the rest of its output, and what it said on its error stream.</returns>
    /// <param name="limit">As in <see cref="Watchdog.Run"/>.</param>
    public (int ExitCode, string Output, string Errors) Finish(TimeSpan? limit = null)
    {
        Close(_process.StandardInput);
        var output = Watchdog.Run(_process.StandardOutput.ReadToEnd, $"the end of {_process.StartInfo.FileName}", limit);
        _process.WaitForExit();
        return (_process.ExitCode, output, _errors.GetAwaiter().GetResult());
    }

    private static void Close(IDisposable stream)
    {
        try
        {
            stream.Dispose();
        }
        catch (IOException)
        {
            // It ended without reading all of its input.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        // Their descriptors would otherwise stay until the collector comes by.
        Close(_process.StandardInput);
        Close(_process.StandardOutput);
        _process.Dispose();
    }
}
