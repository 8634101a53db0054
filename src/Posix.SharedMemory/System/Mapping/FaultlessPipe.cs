using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

/// <summary>Copies memory by way of a pipe: where a page is not available the kernel says EFAULT, and the process lives.</summary>
/// <remarks>The slow way, for systems that have no call which copies between two addresses.</remarks>
internal readonly struct FaultlessPipe(SystemCalls calls, int closeOnExecFlag)
{
    /// <summary>What a pipe takes at once on every system.</summary>
    private const int Piece = 4096;

    internal unsafe bool TryCopyFrom(nint address, Span<byte> destination)
    {
        // SAFETY: the span is pinned until the copy is done; the kernel checks the address.
        fixed (byte* local = destination)
        {
            return TryCopy(address, (nint)local, destination.Length);
        }
    }

    internal unsafe bool TryCopyTo(nint address, ReadOnlySpan<byte> source)
    {
        // SAFETY: the span is pinned until the copy is done; the kernel checks the address.
        fixed (byte* local = source)
        {
            return TryCopy((nint)local, address, source.Length);
        }
    }

    private bool TryCopy(nint from, nint to, int length)
    {
        Pipes.Open(calls, closeOnExecFlag, out var reader, out var writer);
        using (reader)
        using (writer)
        {
            for (var done = 0; done < length;)
            {
                var piece = Math.Min(Piece, length - done);
                if (!TryMove(writer, from + done, piece, write: true) || !TryMove(reader, to + done, piece, write: false))
                {
                    return false;
                }

                done += piece;
            }
        }

        return true;
    }

    /// <summary>Moves bytes from or to memory at any address, which the kernel checks; false where it could not reach all of it.</summary>
    private bool TryMove(SafeFileHandle pipe, nint address, int length, bool write)
    {
        var call = write ? nameof(Libc.write) : nameof(Libc.read);
        var result = calls.Repeat(call, (pipe, address, length, write), static (ref a) =>
            a.write ? Libc.write(a.pipe, a.address, (nuint)a.length) : Libc.read(a.pipe, a.address, (nuint)a.length));
        var error = SystemCalls.ErrorOf(result);
        if (error == Errno.EFAULT)
        {
            return false;
        }

        SystemCalls.Check(error, call);
        return result == length;
    }
}
