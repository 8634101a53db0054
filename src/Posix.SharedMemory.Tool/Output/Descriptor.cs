using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tool;

/// <summary>What the standard descriptors are by the kernel's word, and a short answer through one of them.</summary>
/// <remarks>It needs nothing but the core of the base library: each further part that is loaded costs as much as a short answer.</remarks>
internal static class Descriptor
{
    internal const int Input = 0, Output = 1;

    // <fcntl.h> of Linux, as /proc shows them.
    private const int O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;

    /// <summary>Whether a write may be told to come again later.</summary>
    internal static bool IsNonBlocking(int descriptor) => (FlagsOf(descriptor) & O_NONBLOCK) != 0;

    /// <summary>Whether the caller closed it: its number is one of the runtime's own by now, which are close-on-exec, as nothing inherited is.</summary>
    internal static bool IsOfRuntime(int descriptor) => (FlagsOf(descriptor) & O_CLOEXEC) != 0;

    /// <summary>Prints a short answer, if nothing speaks against it.</summary>
    /// <returns>Whether it is printed; else the long way tells why not.</returns>
    internal static bool TryAnswer(ReadOnlySpan<byte> line)
    {
        if ((FlagsOf(Output) & (O_NONBLOCK | O_CLOEXEC)) != 0)
        {
            return false;
        }

        try
        {
            using var handle = new SafeFileHandle(Output, ownsHandle: false);
            using var direct = new FileStream(handle, FileAccess.Write, bufferSize: 0);
            if (direct.CanSeek)
            {
                AnswerThroughConsole(line);
            }
            else
            {
                direct.Write(line);
            }

            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // Apart, so that the console is loaded only where the descriptor has a position that is to be moved.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AnswerThroughConsole(ReadOnlySpan<byte> line)
    {
        using var output = Console.OpenStandardOutput();
        output.Write(line);
    }

    /// <summary>The flags of a descriptor, where /proc tells; else none. The line is "flags:	0100002", octal.</summary>
    private static int FlagsOf(int descriptor)
    {
        try
        {
            // Shared in all ways: no lock is taken.
            using var file = new FileStream(
                descriptor == Input ? "/proc/self/fdinfo/0" : "/proc/self/fdinfo/1", FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            Span<byte> text = stackalloc byte[256];
            text = text[..file.Read(text)];
            var at = text.IndexOf("flags:"u8);
            var flags = 0;
            foreach (var digit in at < 0 ? [] : text[(at + "flags:".Length)..].TrimStart("\t "u8))
            {
                if (digit is < (byte)'0' or > (byte)'7')
                {
                    break;
                }

                flags = (flags << 3) | (digit - '0');
            }

            return flags;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
