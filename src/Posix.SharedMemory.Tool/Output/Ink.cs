namespace Posix.SharedMemory.Tool;

/// <summary>How a piece of text looks on a terminal; the value is the number in the escape sequence (SGR).</summary>
internal enum Ink
{
    Plain = 0,
    Bold = 1,
    Dim = 2,
    Red = 31,
    Green = 32,
    Yellow = 33,
    Blue = 34,
    Magenta = 35,
    Cyan = 36,
}
