namespace Posix.SharedMemory.Threading;

/// <summary>Makes bytes that are all zero what they are to be, by one compare-and-swap, or finds what they are.</summary>
internal static class Tags
{
    /// <summary>Writes the tag where there is none; anything else there is refused.</summary>
    /// <exception cref="InvalidDataException">The bytes are something else.</exception>
    internal static unsafe void Claim(uint* place, uint tag, string what)
    {
        // SAFETY: the caller holds the bytes.
        var found = Interlocked.CompareExchange(ref *place, tag, 0);
        if (found != 0 && found != tag)
        {
            throw Unlike(what, found);
        }
    }

    /// <summary>As <see cref="Claim(uint*, uint, string)"/>; an observer takes zeroed bytes for what they are to be, and writes nothing.</summary>
    internal static unsafe void Claim(Seat seat, uint* place, uint tag, string what)
    {
        if (!seat.IsObserver)
        {
            Claim(place, tag, what);
            return;
        }

        // SAFETY: the caller holds the bytes.
        var found = Volatile.Read(ref *place);
        if (found != 0 && found != tag)
        {
            throw Unlike(what, found);
        }
    }

    internal static InvalidDataException Unlike(string what, uint found) =>
        new($"The bytes are not {what}: their tag is 0x{found:x8}. Zeroed bytes become one; bytes that are something else are refused.");
}
