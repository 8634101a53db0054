using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tool;

/// <summary>The standard streams. They report failures that the base library's streams swallow, and swallow those that could not be reported anywhere.</summary>
internal static class Streams
{
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false);

    internal static Stream OpenInput()
    {
        RequireOurs(Descriptor.Input, "standard input");
        // On a terminal, the console's stream would edit lines itself.
        return Console.IsInputRedirected ? Console.OpenStandardInput() : new FileStream(InputHandle(), FileAccess.Read, bufferSize: 0);
    }

    /// <summary>Opens standard output so that writing fails with <c>EPIPE</c> once its reader is gone.</summary>
    internal static Stream OpenOutput()
    {
        var handle = OutputHandle();

        // The console's stream ignores that its reader is gone. But if the descriptor has a position, only that stream moves it as the
        // shell expects when several programs write to one file; and only that stream waits for a non-blocking pipe.
        if (!Descriptor.IsNonBlocking(Descriptor.Output) && new FileStream(handle, FileAccess.Write, bufferSize: 0) is { CanSeek: false } direct)
        {
            return direct;
        }

        return Console.OpenStandardOutput();
    }

    /// <summary>Opens a writer of text to standard output.</summary>
    internal static StreamWriter OpenOutputText(int bufferBytes) => new(OpenOutput(), s_utf8, bufferBytes);

    /// <summary>Gets the descriptor of standard input.</summary>
    internal static SafeFileHandle InputHandle()
    {
        RequireOurs(Descriptor.Input, "standard input");
        return new(Descriptor.Input, ownsHandle: false);
    }

    /// <summary>Gets the descriptor of standard output.</summary>
    internal static SafeFileHandle OutputHandle()
    {
        RequireOurs(Descriptor.Output, "standard output");
        return new(Descriptor.Output, ownsHandle: false);
    }

    /// <summary>Prints what does not come from a command: help, completions, the version.</summary>
    internal static int Print(string text, int code)
    {
        try
        {
            using var output = OpenOutput();
            output.Write(s_utf8.GetBytes(text));
            return code;
        }
        catch (Exception e) when (Failure.IsClosedPipe(e))
        {
            return ExitCode.ReaderGone;
        }
        catch (Exception e) when (Failure.IsKnown(e))
        {
            WriteError($"shm: {Failure.Describe(e, e is CommandException ? null : "standard output")}\n");
            return ExitCode.Failed;
        }
    }

    /// <summary>Writes to standard error if possible: a failure could be reported nowhere else.</summary>
    internal static void WriteError(string text)
    {
        var bytes = s_utf8.GetBytes(text);
        try
        {
            using var error = Console.OpenStandardError();
            error.Write(bytes);
        }
        catch (Win32Exception)
        {
            // The console handles signals too, for which it needs a pipe that a filter refuses.
            WriteErrorDirectly(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The exit code still reports the failure.
            return;
        }
    }

    private static void WriteErrorDirectly(byte[] bytes)
    {
        try
        {
            using var handle = new SafeFileHandle(Descriptor.Error, ownsHandle: false);
            using var stream = new FileStream(handle, FileAccess.Write, bufferSize: 0);
            stream.Write(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            // As above.
            return;
        }
    }

    private static void RequireOurs(int descriptor, string name)
    {
        if (Descriptor.IsOfRuntime(descriptor))
        {
            throw new CommandException($"{name}: {Marshal.GetPInvokeErrorMessage(Errno.EBADF.ToNative())} ({Errno.EBADF})");
        }
    }
}
