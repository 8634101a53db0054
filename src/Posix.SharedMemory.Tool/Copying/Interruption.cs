using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Tool;

/// <summary>Handles Ctrl-C and SIGTERM while an object is being created, so that no incomplete object is left behind.</summary>
/// <remarks>On most systems it has no name until it is published, and the kernel frees it; where it has a temporary name, that is removed here.</remarks>
internal sealed class Interruption : IDisposable
{
    /// <summary>Ctrl-C also ends the program that feeds a pipe, and the end of the pipe may be seen before the signal: this long the signal is waited for.</summary>
    private static readonly TimeSpan s_signalAfterEnd = TimeSpan.FromMilliseconds(50);

    private readonly SharedMemoryObject _memory;
    private readonly PosixSignalRegistration?[] _registrations;
    private readonly Lock _lock = new();
    private bool _isPublished;

    /// <summary>Gets whether the process is about to end: failures caused by that are not reported.</summary>
    internal static bool IsUnderWay { get; private set; }

    internal Interruption(SharedMemoryObject memory)
    {
        _memory = memory;
        _registrations =
        [
            Signals.TryHandle(PosixSignal.SIGINT, context => End(context, 130)),
            Signals.TryHandle(PosixSignal.SIGTERM, context => End(context, 143)),
        ];
    }

    /// <summary>Publishes, unless a signal came first. A signal that comes later finds the work done, and the command succeeds.</summary>
    internal void Publish(string name)
    {
        if (Terminal.HasProgress)
        {
            Thread.Sleep(s_signalAfterEnd);
        }

        lock (_lock)
        {
            _memory.Publish(name);
            _isPublished = true;
        }
    }

    public void Dispose() => Array.ForEach(_registrations, registration => registration?.Dispose());

    private void End(PosixSignalContext context, int exitCode)
    {
        context.Cancel = true;
        // Held until the process has ended: nothing is published any more.
        lock (_lock)
        {
            if (!_isPublished)
            {
                IsUnderWay = true;
                _memory.Dispose();
                ProgressBar.Restore();
                Environment.Exit(exitCode);
            }
        }
    }
}
