using System.Text.Json.Serialization;

namespace Posix.SharedMemory.Tool;

/// <summary>The answer of <c>shm lock --json</c>: the object, and what it shows.</summary>
internal sealed record NamedLockFacts(string Name, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Escaped, LockFacts Lock);
