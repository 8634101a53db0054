using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>A C source file beside the benchmarks, compiled by this machine's <c>cc -O2</c> when it is first asked for.</summary>
internal sealed class CBaseline
{
    private static readonly string s_directory = Path.Combine(AppContext.BaseDirectory, "baselines");
    private static readonly Dictionary<string, CBaseline> s_loaded = new(StringComparer.Ordinal);

    private readonly nint _library;

    private CBaseline(nint library) => _library = library;

    /// <exception cref="InvalidOperationException">There is no C compiler, or it refuses the source.</exception>
    internal static CBaseline Load(string name) => s_loaded.TryGetValue(name, out var loaded) ? loaded : s_loaded[name] = LoadLibrary(name);

    /// <summary>Gets a function's address.</summary>
    internal nint this[string function] => NativeLibrary.GetExport(_library, function);

    /// <summary>Text as C takes it, for as long as the process lives.</summary>
    internal static nint Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text + '\0');
        var memory = Marshal.AllocHGlobal(bytes.Length);
        Marshal.Copy(bytes, 0, memory, bytes.Length);
        return memory;
    }

    /// <summary>Checks the line number that a function of the baselines returns.</summary>
    internal static void Check(int line)
    {
        if (line != 0)
        {
            throw new InvalidOperationException($"The C baseline failed at line {line}.");
        }
    }

    /// <summary>The path of a source file.</summary>
    internal static string Source(string name) => Path.Combine(s_directory, name + ".c");

    /// <summary>Compiles source files to a file beside them.</summary>
    /// <returns>The path of what was made; the caller deletes it.</returns>
    /// <exception cref="InvalidOperationException">There is no C compiler, or it refuses the source.</exception>
    internal static string Compile(string output, params string[] arguments)
    {
        var path = Path.Combine(s_directory, output);
        try
        {
            using var compiler = Process.Start("cc", ["-O2", "-Wall", "-Werror", "-o", path, .. arguments]);
            compiler.WaitForExit();
            return compiler.ExitCode == 0 ? path : throw new InvalidOperationException($"cc refused {string.Join(' ', arguments)}.");
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException("The baselines need a C compiler: there is no cc on the PATH.", e);
        }
    }

    private static CBaseline LoadLibrary(string name)
    {
        // A name of its own, since another run may have its library loaded.
        var library = Compile($"{name}-{Environment.ProcessId}.so", "-shared", "-fPIC", Source(name));
        try
        {
            return new(NativeLibrary.Load(library));
        }
        finally
        {
            File.Delete(library);
        }
    }
}
