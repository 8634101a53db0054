namespace Posix.SharedMemory;

/// <summary>A range of bytes inside an object.</summary>
/// <param name="Offset">The offset of the first byte from the start of the object.</param>
/// <param name="Length">The number of bytes.</param>
public readonly record struct ByteRange(long Offset, long Length)
{
    /// <summary>Gets the offset just past the last byte.</summary>
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
                parameter, $"{length} bytes at offset {offset} reach past the end, which is at byte {limit}.");
        }

        return new(offset, length);
    }
}
