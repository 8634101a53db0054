using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>What a platform verb acts on: a descriptor, and the name to call it by when the verb fails.</summary>
internal readonly record struct OpenObject(SafeFileHandle Handle, ObjectName Name);
