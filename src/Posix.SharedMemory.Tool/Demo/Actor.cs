using System.ComponentModel;
using System.Diagnostics;

namespace Posix.SharedMemory.Tool;

/// <summary>One of the demonstration's two processes: another instance of this program. It executes one line of input at a time and answers with one line.</summary>
internal sealed class Actor : IDisposable
{
    private readonly Process _process;

    internal Actor(string role, string name)
    {
        // When started by "dotnet shm.dll", the program is the second word.
        var program = Environment.ProcessPath!;
        string[] words = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        var start = new ProcessStartInfo(program, [.. words, "demo", "--role", role, "--object", name])
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        try
        {
            _process = Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new CommandException($"cannot start a second process: {Failure.Reason(ErrnoNumbers.FromNative(e.NativeErrorCode))}");
        }
    }

    internal int ProcessId => _process.Id;

    /// <summary>Executes an action in the process.</summary>
    /// <returns>Its answer.</returns>
    internal string Do(string act)
    {
        _process.StandardInput.Write(act + "\n");
        _process.StandardInput.Flush();
        return _process.StandardOutput.ReadLine() ?? throw new CommandException($"process {ProcessId} ended unexpectedly");
    }

    public void Dispose()
    {
        // The process ends with its input.
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
