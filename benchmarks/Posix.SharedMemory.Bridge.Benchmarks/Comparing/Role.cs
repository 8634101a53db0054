using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Bridge.Benchmarks.Comparing;

/// <summary>A process of a chain, which speaks in lines.</summary>
internal sealed class Role(Process process) : IDisposable
{
    /// <summary>Waits until it is ready.</summary>
    internal Role Open()
    {
        Expect("open");
        return this;
    }

    internal void Tell(string line)
    {
        process.StandardInput.WriteLine(line);
        process.StandardInput.Flush();
    }

    internal void Expect(string line)
    {
        var came = Line();
        if (came != line)
        {
            throw new InvalidDataException($"'{came}' came instead of '{line}'");
        }
    }

    /// <summary>Reads what it has measured, and waits for its end.</summary>
    internal IReadOnlyDictionary<string, double> Figures()
    {
        var figures = Line().Split(' ').Select(part => part.Split('=')).ToDictionary(part => part[0], part => double.Parse(part[1], CultureInfo.InvariantCulture), StringComparer.Ordinal);
        process.WaitForExit();
        return figures;
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill();
            process.WaitForExit();
        }

        process.Dispose();
    }

    private string Line() => process.StandardOutput.ReadLine() ?? throw new InvalidDataException("a process has ended without a word");
}
