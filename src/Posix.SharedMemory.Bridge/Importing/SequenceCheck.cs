namespace Posix.SharedMemory.Bridge;

/// <summary>Which messages of one life of a channel have arrived, by their sequence.</summary>
internal struct SequenceCheck
{
    /// <summary>Gets the sequence that comes next; 0: any, since nothing has arrived and the import has just begun.</summary>
    internal long Expected { get; private set; }

    /// <summary>Begins at a sequence.</summary>
    internal void Begin(long next) => Expected = next;

    /// <summary>Messages have arrived, or are known to be lost.</summary>
    /// <param name="first">The first.</param>
    /// <param name="last">The last.</param>
    /// <param name="gap">What is missing before them; a first of 0: nothing.</param>
    /// <returns>How many of them have been here before, or were given up.</returns>
    internal long Pass(long first, long last, out (long First, long Last) gap)
    {
        gap = default;
        if (Expected != 0 && last < Expected)
        {
            return last - first + 1;
        }

        if (Expected != 0 && first > Expected)
        {
            gap = (Expected, first - 1);
        }

        var seen = Expected > first ? Expected - first : 0;
        Expected = last + 1;
        return seen;
    }
}
