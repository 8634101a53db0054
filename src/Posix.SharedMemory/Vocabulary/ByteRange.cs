namespace Posix.SharedMemory;

/// <summary>A run of bytes inside an object: where it starts and how many bytes it has.</summary>
/// <param name="Offset">The first byte, counted from the object's start.</param>
/// <param name="Length">How many bytes.</param>
public readonly record struct ByteRange(long Offset, long Length)
{
    /// <summary>Gets the byte behind the last one.</summary>
    public long End => Offset + Length;

    /// <summary>Checks that a range lies inside <paramref name="limit"/> bytes; the sum cannot overflow.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative, or the range ends past the limit.</exception>
    /// <param name="parameter">What the caller's caller calls the length.</param>
    internal static ByteRange Within(long limit, long offset, long length, string parameter = "length")
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length, parameter);
        if (offset > limit || length > limit - offset)
        {
            throw new ArgumentOutOfRangeException(
                parameter, $"{length} bytes at offset {offset} end past the length, which is {limit} bytes.");
        }

        return new(offset, length);
    }
}
