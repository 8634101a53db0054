using System.ComponentModel;
using System.Diagnostics;

namespace Posix.SharedMemory.Tool;

/// <summary>One of the demonstration's two processes: this program once more. It does one thing a line and answers with a line.</summary>
internal sealed class Actor : IDisposable
{
    private readonly Process _process;

    internal Actor(string role, string name)
    {
        // Started by "dotnet shm.dll", the program is the second word.
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
            throw new CommandException($"no second process can be started: {Failure.Reason(ErrnoNumbers.FromNative(e.NativeErrorCode))}");
        }
    }

    internal int ProcessId => _process.Id;

    /// <summary>Has it do something.</summary>
    /// <returns>What it says then.</returns>
    internal string Do(string act)
    {
        _process.StandardInput.Write(act + "\n");
        _process.StandardInput.Flush();
        return _process.StandardOutput.ReadLine() ?? throw new CommandException($"process {ProcessId} ended in the middle");
    }

    public void Dispose()
    {
        // The end of its input is the end of its part.
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
