namespace Posix.SharedMemory.Tool;

/// <summary>How a message is shown.</summary>
/// <param name="Word">text, hex, json, struct or none: text if it can be printed, otherwise hexadecimal.</param>
/// <param name="Fields">The fields of <c>--struct</c>.</param>
internal sealed record MessageShape(string Word, MessageFields? Fields)
{
    internal bool IsRaw => Word == "none";

    internal bool IsJson => Word == "json";
}
