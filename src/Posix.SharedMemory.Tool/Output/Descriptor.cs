namespace Posix.SharedMemory.Tool;

/// <summary>What the kernel says about the standard descriptors.</summary>
internal static class Descriptor
{
    internal const int Input = 0, Output = 1, Error = 2;

    // <fcntl.h> of Linux, as /proc shows them.
    private const int O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;

    /// <summary>Whether a write may fail because there is no room at the moment.</summary>
    internal static bool IsNonBlocking(int descriptor) => (FlagsOf(descriptor) & O_NONBLOCK) != 0;

    /// <summary>Whether the caller closed it: the runtime has reused its number then, and the runtime's descriptors are close-on-exec, as no inherited one is.</summary>
    internal static bool IsOfRuntime(int descriptor) => (FlagsOf(descriptor) & O_CLOEXEC) != 0;

    /// <summary>The flags of a descriptor, if /proc shows them; otherwise 0. The line is "flags:	0100002", octal.</summary>
    private static int FlagsOf(int descriptor)
    {
        try
        {
            // Fully shared: no lock is taken.
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
