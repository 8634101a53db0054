using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Posix.SharedMemory;

/// <summary>Hands descriptors to the programs that this process starts, under the same numbers.</summary>
[UnsupportedOSPlatform("windows")]
public static class HandleInheritance
{
    private static readonly Lock s_starting = new();

    /// <summary>Starts a program that inherits some descriptors, under the same numbers, and none of those that other calls of this method give to their programs.</summary>
    /// <param name="startInfo">The program. Pass the numbers in its arguments, environment or input: <c>handle.DangerousGetHandle()</c>.</param>
    /// <param name="handles">The descriptors. They still belong to the caller, and are close-on-exec as before.</param>
    /// <returns>The program's process.</returns>
    /// <exception cref="ArgumentException">A handle is null or invalid.</exception>
    /// <exception cref="ObjectDisposedException">A handle is disposed.</exception>
    /// <exception cref="InvalidOperationException"><paramref name="startInfo"/> does not name a program.</exception>
    /// <exception cref="System.ComponentModel.Win32Exception">The program could not be started.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBADF"/>: a handle is not an open descriptor.</exception>
    /// <remarks>
    /// The descriptors are inheritable while the program is being started, and this method starts one program at a time. A program that other code, such as
    /// <see cref="Process.Start(ProcessStartInfo)"/>, starts at the same moment inherits them too. Where that matters, pass them over a socket.
    /// <see href="https://man7.org/linux/man-pages/man2/fcntl.2.html">fcntl(2)</see>
    /// </remarks>
    public static Process Start(ProcessStartInfo startInfo, params ReadOnlySpan<SafeHandle> handles)
    {
        ArgumentNullException.ThrowIfNull(startInfo);
        foreach (var handle in handles)
        {
            Check(handle);
        }

        var platform = Platform.Current;
        var lent = new Stack<(SafeHandle Handle, bool WasInheritable)>(handles.Length);
        lock (s_starting)
        {
            try
            {
                foreach (var handle in handles)
                {
                    Lend(platform, handle, lent);
                }

                return Process.Start(startInfo) ?? throw new InvalidOperationException("No process was started.");
            }
            finally
            {
                // In reverse order: a handle that is named twice was already inheritable the second time.
                foreach (var (handle, wasInheritable) in lent)
                {
                    // The flag of an open descriptor, which this is, can always be set.
                    _ = platform.Wire.SetInheritable(handle, wasInheritable);
                    handle.DangerousRelease();
                }
            }
        }
    }

    /// <summary>Sets whether the programs that this process starts inherit a descriptor: <c>fcntl(F_SETFD)</c>.</summary>
    /// <param name="handle">The descriptor of memory, a socket or a pipe. Its number, for the child's arguments, is <c>handle.DangerousGetHandle()</c>.</param>
    /// <param name="inheritable"><see langword="false"/> is close-on-exec, the state of every descriptor that this library and the base library open.</param>
    /// <exception cref="ArgumentException">The handle is null or invalid.</exception>
    /// <exception cref="ObjectDisposedException">The handle is disposed.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBADF"/>: the handle is not an open descriptor.</exception>
    /// <remarks>
    /// While a descriptor is inheritable, every program that any thread starts inherits it. <see cref="Start"/> limits that to one child, and a
    /// socket reaches exactly one process. <see href="https://man7.org/linux/man-pages/man2/fcntl.2.html">fcntl(2)</see>
    /// </remarks>
    /// <example>
    /// <code>
    /// // Every child that is started meanwhile inherits it; HandleInheritance.Start gives it to one child only.
    /// HandleInheritance.SetInheritable(memory.SafeFileHandle, true);
    /// using var child = Process.Start("program", [memory.SafeFileHandle.DangerousGetHandle().ToString()]);
    /// HandleInheritance.SetInheritable(memory.SafeFileHandle, false);
    /// </code>
    /// </example>
    public static void SetInheritable(SafeHandle handle, bool inheritable)
    {
        ArgumentNullException.ThrowIfNull(handle);
        SystemCalls.Check(Platform.Current.Wire.SetInheritable(handle, inheritable), "fcntl(F_SETFD)");
    }

    private static void Check(SafeHandle handle)
    {
        if (handle is null || handle.IsInvalid)
        {
            throw new ArgumentException("A handle is null or invalid.", nameof(handle));
        }
    }

    private static void Lend(Platform platform, SafeHandle handle, Stack<(SafeHandle Handle, bool WasInheritable)> lent)
    {
        SystemCalls.Check(platform.Wire.GetInheritable(handle, out var wasInheritable), "fcntl(F_GETFD)");
        var isHeld = false;
        handle.DangerousAddRef(ref isHeld);
        lent.Push((handle, wasInheritable));
        SystemCalls.Check(platform.Wire.SetInheritable(handle, inheritable: true), "fcntl(F_SETFD)");
    }
}
