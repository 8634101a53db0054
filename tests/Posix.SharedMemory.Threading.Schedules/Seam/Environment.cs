namespace Posix.SharedMemory.Threading;

/// <summary>Stands in for the base library's: with one processor nobody spins, which would only repeat the same look.</summary>
internal static class Environment
{
    internal static int ProcessorCount => 1;

    internal static int CurrentManagedThreadId => System.Environment.CurrentManagedThreadId;

    internal static int ProcessId => System.Environment.ProcessId;

    internal static int SystemPageSize => System.Environment.SystemPageSize;

    internal static bool Is64BitProcess => System.Environment.Is64BitProcess;
}
