namespace Posix.SharedMemory.Tool;

/// <summary>The part of an object that <c>--offset</c> and <c>--length</c> select.</summary>
internal static class Part
{
    /// <returns>The part, as far as the object reaches: as <c>head -c</c> and <c>hexdump -n</c> do.</returns>
    /// <exception cref="CommandException">It starts past the end.</exception>
    internal static ByteRange Of(object name, SharedMemoryObject memory, long? offset, long? length)
    {
        var start = offset ?? 0;
        var whole = memory.Length;
        return start > whole
            ? throw new CommandException($"{name}: offset {start} is past the end of the object, which is {whole} bytes long")
            : new(start, Math.Min(length ?? long.MaxValue, whole - start));
    }

    /// <summary>The failure when another process shortens the object while it is being read.</summary>
    internal static CommandException Cut(object name, long done, long asked) => new($"{name}: another process shortened the object meanwhile; {done} of {asked} bytes were read");
}
