using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Tool;

/// <summary>Turns Ctrl-C and a request to end into an end in good order: what goes on for ever ends so, and has succeeded.</summary>
internal sealed class GracefulEnd : IDisposable
{
    private readonly CancellationTokenSource _ended = new();
    private readonly List<PosixSignalRegistration> _signals = [];

    internal GracefulEnd()
    {
        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP })
        {
            _signals.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                _ended.Cancel();
            }));
        }
    }

    internal CancellationToken Token => _ended.Token;

    public void Dispose()
    {
        _signals.ForEach(signal => signal.Dispose());
        _ended.Dispose();
    }
}
