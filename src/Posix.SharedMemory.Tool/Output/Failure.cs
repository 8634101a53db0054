using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Tool;

/// <summary>A failure as one line: <c>frames: No such file or directory (ENOENT): no object has this name</c>.</summary>
internal static class Failure
{
    /// <summary>Whether an exception comes from the system or from the request, and is not a bug in this program.</summary>
    internal static bool IsKnown(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or PlatformNotSupportedException or InvalidOperationException
            or ArgumentException or InvalidDataException or CommandException or Win32Exception;

    /// <summary>Whether the reader of our output is gone, as <c>head</c> is once it has read enough.</summary>
    internal static bool IsClosedPipe(Exception exception) => exception switch
    {
        SharedMemoryException failure => failure.Errno == Errno.EPIPE,
        IOException => exception.HResult == Errno.EPIPE.ToNative(),
        _ => false,
    };

    /// <summary>Whether an exception comes from a stream without naming it: all others are named, so it is standard output.</summary>
    internal static bool IsUnnamed(Exception exception) =>
        exception is UnauthorizedAccessException || (exception is IOException and not SharedMemoryException and not FileNotFoundException && IsErrno(exception.HResult));

    /// <param name="subject">What the failed action was applied to; by default, what the exception names.</param>
    /// <param name="command">The command that failed on an object, for advice on what to do next; <see langword="null"/> if the failure is not about an object.</param>
    internal static string Describe(Exception exception, object? subject = null, string? command = null) => exception switch
    {
        SharedMemoryException failure => Line(subject ?? NameOf(failure), Reason(failure.Errno) + ((command is null ? failure.Detail : Advice.For(failure, command)) is { } advice ? $": {advice}" : "")),
        FileNotFoundException missing => Line(subject ?? missing.FileName, Reason(Errno.ENOENT)),
        DirectoryNotFoundException => Line(subject, Reason(Errno.ENOENT)),
        UnauthorizedAccessException => Line(subject, Reason(exception.InnerException is IOException inner && IsErrno(inner.HResult) ? ErrnoNumbers.FromNative(inner.HResult) : Errno.EACCES)),
        IOException when IsErrno(exception.HResult) => Line(subject, Reason(ErrnoNumbers.FromNative(exception.HResult))),
        Win32Exception console => Line(subject, $"{Reason(ErrnoNumbers.FromNative(console.NativeErrorCode))}: the console cannot be used; a filter in front of the kernel (seccomp) may refuse a call that it makes, such as pipe2"),
        PlatformNotSupportedException unsupported => Line(subject, Advice.For(unsupported, command)),
        ArgumentException argument => Line(subject, WithoutParameter(argument)),
        _ => Line(subject, exception.Message),
    };

    internal static string Reason(Errno errno) => $"{Marshal.GetPInvokeErrorMessage(errno.ToNative())} ({errno})";

    private static string Line(object? subject, string reason) => (subject is null ? reason : $"{subject}: {reason}").ReplaceLineEndings(" ");

    private static string? NameOf(SharedMemoryException failure) =>
        failure.ObjectName is { } name ? EscapedText.OfName(System.Text.Encoding.UTF8.GetBytes(name.TrimStart('/'))) : null;

    // The base library stores the system's error number here if it has no exception of its own for it.
    private static bool IsErrno(int number) => number is > 0 and < 200;

    private static string WithoutParameter(ArgumentException exception)
    {
        var end = exception.Message.IndexOf(" (Parameter '", StringComparison.Ordinal);
        return end < 0 ? exception.Message : exception.Message[..end];
    }
}
