using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Tool;

/// <summary>What to do on Ctrl-C and SIGTERM while an object is made that is not to be left behind half done.</summary>
/// <remarks>Most systems keep it without any name until it is published, and the kernel takes it back; where it has a name for the meantime, that goes here.</remarks>
internal sealed class Interruption : IDisposable
{
    private readonly PosixSignalRegistration[] _registrations;

    internal Interruption(SharedMemoryObject memory) => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, context => End(context, memory, 130)),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => End(context, memory, 143)),
    ];

    public void Dispose() => Array.ForEach(_registrations, registration => registration.Dispose());

    private static void End(PosixSignalContext context, SharedMemoryObject memory, int exitCode)
    {
        context.Cancel = true;
        memory.Dispose();
        ProgressBar.Restore();
        Environment.Exit(exitCode);
    }
}
