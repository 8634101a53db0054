namespace Posix.SharedMemory.Tool;

/// <summary>The part of an object that <c>--offset</c> and <c>--length</c> mean.</summary>
internal static class Part
{
    /// <returns>As much of it as there is: as <c>head -c</c> and <c>hexdump -n</c> take it.</returns>
    /// <exception cref="CommandException">It begins behind the end.</exception>
    internal static ByteRange Of(object name, SharedMemoryObject memory, long? offset, long? length)
    {
        var start = offset ?? 0;
        var whole = memory.Length;
        return start > whole
            ? throw new CommandException($"{name}: it is {whole} bytes long, and {start} is behind its end")
            : new(start, Math.Min(length ?? long.MaxValue, whole - start));
    }

    /// <summary>What to say when another process cuts the object while it is read.</summary>
    internal static CommandException Cut(object name, long done, long asked) => new($"{name}: it was cut meanwhile, {done} of {asked} bytes were read");
}
