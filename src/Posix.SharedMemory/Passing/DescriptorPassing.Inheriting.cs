using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory;

public static partial class DescriptorPassing
{
    private static readonly Lock s_starting = new();

    /// <summary>Decides whether the programs that this process starts get a descriptor, under the same number: <c>fcntl(F_SETFD)</c>.</summary>
    /// <param name="handle">The descriptor, of memory, a socket or a pipe. Its number, for the child's arguments, is <c>handle.DangerousGetHandle()</c>.</param>
    /// <param name="inheritable">True: they get it. False: close-on-exec, as everything is that this library and the base library open.</param>
    /// <exception cref="ObjectDisposedException">The handle is disposed.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBADF"/>: not an open descriptor.</exception>
    /// <remarks>
    /// While a descriptor is inheritable, it reaches whatever program any thread starts. <see cref="StartInheriting"/> keeps that to one child; a
    /// socket reaches exactly one process. <see href="https://man7.org/linux/man-pages/man2/fcntl.2.html">fcntl(2)</see>
    /// </remarks>
    /// <example>
    /// <code>
    /// // Every child that is started meanwhile inherits it; StartInheriting gives it to one child only.
    /// memory.SafeFileHandle.SetInheritable(true);
    /// using var child = Process.Start("program", [memory.SafeFileHandle.DangerousGetHandle().ToString()]);
    /// memory.SafeFileHandle.SetInheritable(false);
    /// </code>
    /// </example>
    public static void SetInheritable(this SafeHandle handle, bool inheritable)
    {
        ArgumentNullException.ThrowIfNull(handle);
        ThrowIfFailed(Platform.Current.Wire.SetInheritable(handle, inheritable), "fcntl(F_SETFD)");
    }

    /// <summary>Starts a program that gets some descriptors, under the same numbers, and no descriptors of others that are started by this method.</summary>
    /// <param name="startInfo">The program. Its arguments, environment or input tell it the numbers: <c>handle.DangerousGetHandle()</c>.</param>
    /// <param name="handles">The descriptors. They stay the caller's, close-on-exec as before.</param>
    /// <returns>The program's process.</returns>
    /// <exception cref="ArgumentException">A handle is null or invalid.</exception>
    /// <exception cref="ObjectDisposedException">A handle is disposed.</exception>
    /// <exception cref="InvalidOperationException">The description of the program names none.</exception>
    /// <exception cref="System.ComponentModel.Win32Exception">The program could not be started.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBADF"/>: not an open descriptor.</exception>
    /// <remarks>
    /// The descriptors are inheritable while the program is started, one start at a time. A program that other code, such as
    /// <see cref="Process.Start(ProcessStartInfo)"/>, starts in that very instant gets them too. Where that matters, pass them over a socket.
    /// </remarks>
    public static Process StartInheriting(this ProcessStartInfo startInfo, params IReadOnlyList<SafeHandle> handles)
    {
        ArgumentNullException.ThrowIfNull(startInfo);
        ArgumentNullException.ThrowIfNull(handles);
        var platform = Platform.Current;
        var lent = new Stack<(SafeHandle Handle, bool WasInheritable)>(handles.Count);
        lock (s_starting)
        {
            try
            {
                for (var at = 0; at < handles.Count; at++)
                {
                    Lend(platform, CheckHandle(handles, at), lent);
                }

                return Process.Start(startInfo) ?? throw new InvalidOperationException("No process was started.");
            }
            finally
            {
                // Backwards: one that is named twice was inheritable the second time.
                foreach (var (handle, wasInheritable) in lent)
                {
                    // Of an open descriptor, which this is, the flag can be set.
                    _ = platform.Wire.SetInheritable(handle, wasInheritable);
                    handle.DangerousRelease();
                }
            }
        }
    }

    private static void Lend(Platform platform, SafeHandle handle, Stack<(SafeHandle Handle, bool WasInheritable)> lent)
    {
        ThrowIfFailed(platform.Wire.GetInheritable(handle, out var wasInheritable), "fcntl(F_GETFD)");
        var isHeld = false;
        handle.DangerousAddRef(ref isHeld);
        lent.Push((handle, wasInheritable));
        ThrowIfFailed(platform.Wire.SetInheritable(handle, inheritable: true), "fcntl(F_SETFD)");
    }

    private static void ThrowIfFailed(Errno error, string operation)
    {
        if (!error.IsSuccess)
        {
            throw new SharedMemoryException(error, operation);
        }
    }
}
