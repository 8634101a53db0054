using System.Runtime.InteropServices;
using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading;

/// <summary>The bytes of glibc's <c>sem_t</c> on 64-bit systems, found to be so at first use.</summary>
internal static class PosixSemaphoreLayout
{
    internal const int Size = 32;

    /// <summary>One waiter, in the upper half of the first eight bytes; the value is the lower half.</summary>
    internal const ulong Waiter = 1ul << 32;

    /// <summary>What glibc writes after the two for a semaphore that processes share.</summary>
    internal const uint SharedMark = 128;

    private static readonly Lazy<byte[]?> s_template = new(Make);

    /// <summary>Gets what <c>sem_init</c> makes, with the value 0.</summary>
    /// <exception cref="PlatformNotSupportedException">This C library lays semaphores out in another way.</exception>
    internal static ReadOnlySpan<byte> Template => s_template.Value ?? throw new PlatformNotSupportedException(
        "The C library of this process lays out sem_t differently from 64-bit glibc. Share a SharedSemaphore instead; interop/psm.h is its counterpart in C.");

    private delegate int Init(nint sem, int pshared, uint value);

    private delegate int Post(nint sem);

    private static unsafe byte[]? Make()
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess || !BitConverter.IsLittleEndian)
        {
            return null;
        }

        try
        {
            // SAFETY: the address is that of a pinned array, as long as sem_t.
            return Make((sem, pshared, value) => Libc.sem_init((void*)sem, pshared, value), sem => Libc.sem_post((void*)sem));
        }
        catch (EntryPointNotFoundException)
        {
            return MakeBy("libpthread.so.0");
        }
    }

    /// <summary>As <see cref="Make()"/>, by another library: before 2.34, glibc had its semaphores in one of their own.</summary>
    /// <returns><see langword="null"/>: there is no such library, or it has no semaphores.</returns>
    internal static unsafe byte[]? MakeBy(string library)
    {
        if (!NativeLibrary.TryLoad(library, out var handle) || !NativeLibrary.TryGetExport(handle, nameof(Libc.sem_init), out var init)
            || !NativeLibrary.TryGetExport(handle, nameof(Libc.sem_post), out var post))
        {
            return null;
        }

        // SAFETY: sem_init(3) and sem_post(3); the library stays loaded.
        return Make((sem, pshared, value) => ((delegate* unmanaged<nint, int, uint, int>)init)(sem, pshared, value), sem => ((delegate* unmanaged<nint, int>)post)(sem));
    }

    private static unsafe byte[]? Make(Init init, Post post)
    {
        var bytes = GC.AllocateArray<byte>(Size, pinned: true);
        // SAFETY: the array is pinned, and as long as sem_t.
        fixed (byte* sem = bytes)
        {
            // SAFETY: as above; the address is aligned for the words.
            var words = (uint*)sem;
            if (init((nint)sem, 1, 5) != 0 || words[0] != 5 || words[1] != 0 || words[2] != SharedMark || post((nint)sem) != 0 || words[0] != 6)
            {
                return null;
            }

            words[0] = 0;
        }

        return bytes;
    }
}
