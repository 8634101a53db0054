using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Tool;

/// <summary>Turns Ctrl-C and a request to end into cancellation, so that a command that runs until it is stopped ends cleanly, with success.</summary>
internal sealed class GracefulEnd : IDisposable
{
    private readonly CancellationTokenSource _ended = new();
    private readonly List<PosixSignalRegistration?> _signals = [];

    internal GracefulEnd()
    {
        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP })
        {
            _signals.Add(Signals.TryHandle(signal, context =>
            {
                context.Cancel = true;
                _ended.Cancel();
            }));
        }
    }

    internal CancellationToken Token => _ended.Token;

    public void Dispose()
    {
        _signals.ForEach(signal => signal?.Dispose());
        _ended.Dispose();
    }
}
