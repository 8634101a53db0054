using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Tool;

/// <summary>What to do on Ctrl-C and SIGTERM while an object is made that is not to be left behind half done.</summary>
/// <remarks>Most systems keep it without any name until it is published, and the kernel takes it back; where it has a name for the meantime, that goes here.</remarks>
internal sealed class Interruption : IDisposable
{
    /// <summary>Ctrl-C ends what feeds a pipe as well, and that end may be seen before the signal: this long it is waited for.</summary>
    private static readonly TimeSpan s_signalBehindEnd = TimeSpan.FromMilliseconds(50);

    private readonly SharedMemoryObject _memory;
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Lock _lock = new();
    private bool _isPublished;

    /// <summary>Gets whether the process is about to end: what fails for that reason is not to be told.</summary>
    internal static bool IsUnderWay { get; private set; }

    internal Interruption(SharedMemoryObject memory)
    {
        _memory = memory;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, context => End(context, 130)),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => End(context, 143)),
        ];
    }

    /// <summary>Publishes, unless a signal has come before. One that comes later finds the work done, and lets it end as such.</summary>
    internal void Publish(string name)
    {
        if (Terminal.HasProgress)
        {
            Thread.Sleep(s_signalBehindEnd);
        }

        lock (_lock)
        {
            _memory.Publish(name);
            _isPublished = true;
        }
    }

    public void Dispose() => Array.ForEach(_registrations, registration => registration.Dispose());

    private void End(PosixSignalContext context, int exitCode)
    {
        context.Cancel = true;
        // Kept until the process has ended: nothing is published any more.
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
