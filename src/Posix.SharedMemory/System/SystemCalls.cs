using System.Runtime.InteropServices;

namespace Posix.SharedMemory;

/// <summary>Makes calls into the C library: again where a signal interrupts one, and not at all where a test wants it to fail.</summary>
/// <remarks>
/// Each role gets it by its constructor. Calls are named as the kernel's documentation names them, with the command where one call has many:
/// <c>ftruncate</c>, <c>fcntl(F_OFD_SETLK)</c>. The lambdas that make a call are static, so nothing is allocated per call.
/// </remarks>
internal class SystemCalls
{
    /// <summary>Gets the one that really makes every call.</summary>
    internal static SystemCalls Real { get; } = new();

    /// <summary>A call with its arguments.</summary>
    internal delegate nint Call<T>(ref T arguments)
        where T : allows ref struct;

    /// <summary>A call that takes bytes: a path, or a buffer.</summary>
    internal delegate nint BytesCall<T>(ref byte bytes, nuint length, ref T arguments)
        where T : allows ref struct;

    /// <summary>A call that takes two paths.</summary>
    internal delegate nint PathsCall<T>(ref byte first, ref byte second, ref T arguments)
        where T : allows ref struct;

    /// <summary>
    /// Returns whether a test wants this call to fail; then the error is set as the call would have set it, and the call is not made.
    /// Every call asks first, in the same expression.
    /// </summary>
    internal virtual bool Fails(string call) => false;

    /// <summary>Makes a call until no signal interrupts it.</summary>
    /// <returns>What the call returned.</returns>
    internal nint Repeat<T>(string call, T arguments, Call<T> make)
        where T : allows ref struct => Repeat(call, ref arguments, make);

    /// <inheritdoc cref="Repeat{T}(string, T, Call{T})"/>
    /// <param name="call">The call's name.</param>
    /// <param name="arguments">The arguments, which the call may change.</param>
    /// <param name="make">Makes it.</param>
    internal nint Repeat<T>(string call, ref T arguments, Call<T> make)
        where T : allows ref struct
    {
        nint result;
        do
        {
            result = Fails(call) ? -1 : make(ref arguments);
        }
        while (IsInterrupted(result));
        return result;
    }

    /// <summary>Makes a call that takes a path or a buffer until no signal interrupts it. A path ends with a NUL.</summary>
    internal nint OnBytes<T>(string call, ReadOnlySpan<byte> bytes, T arguments, BytesCall<T> make)
        where T : allows ref struct => OnBytes(call, bytes, ref arguments, make);

    /// <inheritdoc cref="OnBytes{T}(string, ReadOnlySpan{byte}, T, BytesCall{T})"/>
    internal nint OnBytes<T>(string call, ReadOnlySpan<byte> bytes, ref T arguments, BytesCall<T> make)
        where T : allows ref struct
    {
        nint result;
        do
        {
            // SAFETY: the import pins the reference for the length of the call, and the length goes with it where the call takes one.
            result = Fails(call) ? -1 : make(ref MemoryMarshal.GetReference(bytes), (nuint)bytes.Length, ref arguments);
        }
        while (IsInterrupted(result));
        return result;
    }

    /// <summary>Makes a call that takes two paths, each of which ends with a NUL.</summary>
    internal Errno OnPaths<T>(string call, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, T arguments, PathsCall<T> make)
        where T : allows ref struct
    {
        // SAFETY: the import pins both references for the length of the call.
        var result = Fails(call) ? -1 : make(ref MemoryMarshal.GetReference(first), ref MemoryMarshal.GetReference(second), ref arguments);
        return ErrorOf(result);
    }

    /// <summary>Returns whether a signal interrupted the call, so that it is to be made again.</summary>
    internal static bool IsInterrupted(nint result) => result == -1 && Marshal.GetLastPInvokeError() == (int)Errno.EINTR;

    /// <summary>Returns the error of a call that returned −1; success for any other result.</summary>
    internal static Errno ErrorOf(nint result) => result == -1 ? ErrnoNumbers.Read(Marshal.GetLastPInvokeError()) : default;

    /// <summary>Throws where an error says that a call failed.</summary>
    /// <exception cref="SharedMemoryException">The call failed.</exception>
    internal static void Check(Errno error, string operation, in ObjectName name = default)
    {
        if (!error.IsSuccess)
        {
            throw FailureOf(error, operation, name.Text);
        }
    }

    /// <inheritdoc cref="Check(Errno, string, in ObjectName)"/>
    internal static void Check(Errno error, string operation, string? name)
    {
        if (!error.IsSuccess)
        {
            throw FailureOf(error, operation, name);
        }
    }

    /// <summary>The failure of an operation by an error of the system. It names the call that a filter refuses, where one does.</summary>
    /// <param name="error">The error.</param>
    /// <param name="operation">The call, or the C function whose work is done.</param>
    /// <param name="name">The object's name.</param>
    /// <param name="detail">What the error means here, unless a filter gave it.</param>
    /// <param name="advice">What a program can do, unless a filter gave the error.</param>
    internal static SharedMemoryException FailureOf(Errno error, string operation, string? name = null, string? detail = null, string? advice = null) =>
        FilterProbe.Explain(error, operation) is { } refusal
            ? new(error, operation, name, refusal)
            : new(error, operation, name, detail, advice);

    /// <summary>Throws where a call returned −1.</summary>
    /// <inheritdoc cref="Check(Errno, string, in ObjectName)"/>
    internal static void Check(nint result, string operation, in ObjectName name = default) => Check(ErrorOf(result), operation, name);
}
