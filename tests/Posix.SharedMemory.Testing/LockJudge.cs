using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Testing;

/// <summary>Another process that looks whether it could take the lock.</summary>
public sealed class LockJudge : IDisposable
{
    private const string Program = """
        import fcntl, sys
        for line in sys.stdin:
            with open(line.strip(), 'r+b') as file:
                try:
                    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 100)
                    print('free', flush=True)
                except OSError:
                    print('locked', flush=True)
        """;

    private readonly Peer _peer = Peer.Run("python3", "-c", Program);

    /// <summary>Whether another process finds a lock on the first 100 bytes of what a handle refers to.</summary>
    public bool SeesLock(SafeFileHandle handle) =>
        _peer.Ask(FormattableString.Invariant($"/proc/{Environment.ProcessId}/fd/{handle.DangerousGetHandle()}")) == "locked";

    /// <inheritdoc/>
    public void Dispose() => _peer.Dispose();
}
