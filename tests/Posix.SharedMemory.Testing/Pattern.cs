namespace Posix.SharedMemory.Testing;

/// <summary>Bytes that tell their place, the same in every judge of <c>tests/interop</c>. They repeat after 16 MiB, not after a buffer.</summary>
public static class Pattern
{
    /// <summary>Makes the bytes that stand at the first places.</summary>
    public static byte[] Of(int length, int seed = 1)
    {
        var bytes = new byte[length];
        for (var at = 0; at < length; at++)
        {
            bytes[at] = (byte)(seed + (at * 31) + ((at >> 8) * 7) + ((at >> 16) * 13));
        }

        return bytes;
    }
}
