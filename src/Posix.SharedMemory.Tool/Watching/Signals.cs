using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Tool;

/// <summary>Handles signals where the runtime can: it needs a pipe for them, which a filter in front of the kernel may refuse.</summary>
internal static class Signals
{
    /// <returns><see langword="null"/> where the runtime cannot handle it: then the signal ends the process, as it does by default.</returns>
    internal static PosixSignalRegistration? TryHandle(PosixSignal signal, Action<PosixSignalContext> act)
    {
        try
        {
            return PosixSignalRegistration.Create(signal, act);
        }
        catch (Exception e) when (e is TypeInitializationException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
