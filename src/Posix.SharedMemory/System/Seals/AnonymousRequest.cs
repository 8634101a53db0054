using System.Text;

namespace Posix.SharedMemory;

/// <summary>A checked request for an anonymous object: its name for debugging can be one.</summary>
internal readonly record struct AnonymousRequest
{
    /// <summary>The longest name for debugging, in bytes of UTF-8.</summary>
    internal const int MaxDebugNameBytes = 249;

    internal required string DebugName { get; init; }

    internal required bool AllowSealing { get; init; }

    internal required bool Executable { get; init; }

    internal required HugePageSize HugePages { get; init; }

    /// <summary>Writes the name for debugging and a NUL behind it.</summary>
    internal void WriteDebugName(Span<byte> destination) => destination[Encoding.UTF8.GetBytes(DebugName, destination)] = 0;
}
