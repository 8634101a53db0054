namespace Posix.SharedMemory.Tool;

/// <summary>The part of an object that <c>--offset</c> and <c>--length</c> mean.</summary>
internal static class Part
{
    /// <exception cref="CommandException">It does not lie inside the object.</exception>
    internal static ByteRange Of(object name, SharedMemoryObject memory, long? offset, long? length)
    {
        var start = offset ?? 0;
        var whole = memory.Length;
        if (start > whole || length > whole - start)
        {
            var end = length is null ? $"{start}" : $"{start} + {length}";
            throw new CommandException($"{name}: it is {whole} bytes long, and {end} is behind its end");
        }

        return new(start, length ?? whole - start);
    }

    /// <summary>What to say when another process cuts the object while it is read.</summary>
    internal static CommandException Cut(object name, long done, long asked) => new($"{name}: it was cut meanwhile, {done} of {asked} bytes were read");
}
