using System.Text;

namespace Posix.SharedMemory.Tool;

/// <summary>Names in JSON: as they are, and additionally as the command prints and takes them, if that differs.</summary>
internal static class NameText
{
    /// <summary>The name; bytes that are not UTF-8 show as U+FFFD.</summary>
    internal static string Raw(ReadOnlySpan<byte> name) => Encoding.UTF8.GetString(name);

    /// <summary>The name as it is printed; <see langword="null"/> if that is the same.</summary>
    internal static string? EscapedOrNull(ReadOnlySpan<byte> name) => EscapedText.OfName(name) is var escaped && escaped != Raw(name) ? escaped : null;
}
