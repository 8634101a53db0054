using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>Turns the signals that ask a run to end into an exception between two turns, so that every question still removes what it made.</summary>
internal sealed class Interruption : IDisposable
{
    private static volatile bool s_isAsked;

    private readonly List<PosixSignalRegistration> _registrations = [];

    internal Interruption()
    {
        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP })
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                s_isAsked = true;
            }));
        }
    }

    /// <exception cref="OperationCanceledException">The run was asked to end.</exception>
    internal static void ThrowIfAsked()
    {
        if (s_isAsked)
        {
            throw new OperationCanceledException("Interrupted: what the benchmarks made is removed, and nothing is written.");
        }
    }

    public void Dispose() => _registrations.ForEach(registration => registration.Dispose());
}
