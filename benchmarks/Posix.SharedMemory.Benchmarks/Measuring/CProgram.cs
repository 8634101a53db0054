using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>
/// The functions of a C source file in a process of their own, with one thread. In a process with more threads, as this one is, each call on a descriptor costs
/// about a tenth more: the kernel counts a reference to the file, which it need not count for a single thread.
/// </summary>
internal sealed class CProgram : IDisposable
{
    private readonly Process _process;

    /// <exception cref="InvalidOperationException">There is no C compiler, or it refuses the source.</exception>
    internal CProgram(string name)
    {
        var program = CBaseline.Compile($"{name}-{Environment.ProcessId}", "-rdynamic", CBaseline.Source("alone"), CBaseline.Source(name));
        try
        {
            _process = Process.Start(new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false })!;
        }
        finally
        {
            File.Delete(program);
        }
    }

    /// <summary>Lives a life several times.</summary>
    /// <returns>What all of them took, in nanoseconds.</returns>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    internal (double Elapsed, double Processor) Time(string function, string text, long length, int count)
    {
        _process.StandardInput.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{function} {text} {length} {count}"));
        _process.StandardInput.Flush();
        return _process.StandardOutput.ReadLine()?.Split(' ') is [var elapsed, var processor]
            ? (double.Parse(elapsed, CultureInfo.InvariantCulture), double.Parse(processor, CultureInfo.InvariantCulture))
            : throw new InvalidOperationException($"{function} failed in its own process.");
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
