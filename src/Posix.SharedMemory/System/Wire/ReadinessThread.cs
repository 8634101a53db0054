using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>Reports when full sockets accept bytes again, and when a watch has something to read. A single thread, which exists while an operation waits, calls <c>poll</c> for all of them.</summary>
/// <remarks>
/// The base library waits for room in a socket only together with bytes to send, and descriptors must go with the first of those; it waits for nothing but sockets.
/// While a socket is polled it is held open, and <c>Socket.Dispose</c> waits until it is released. Dispose shuts the socket down first, which ends the poll, except for
/// a socket that children inherit or that another owner has. So the thread briefly releases all of them, ten times a second.
/// </remarks>
internal sealed class ReadinessThread
{
    /// <summary>How many milliseconds the thread stays after the last wait: a sender that met a full socket often meets another.</summary>
    private const int Linger = 100;

    /// <summary>How many milliseconds a socket is held before checking whether it was disposed.</summary>
    private const int Look = 100;

    private static readonly ConditionalWeakTable<SystemWire, ReadinessThread> s_instances = [];

    private readonly SystemWire _wire;
    private readonly Lock _lock = new();
    private readonly List<ReadinessWaiter> _arrivals = [];

    /// <summary>The pipe that wakes the thread; it exists as long as the thread. It contains a byte while <see cref="_isWoken"/>.</summary>
    private SafeFileHandle? _writer;
    private bool _isWoken;

    private ReadinessThread(SystemWire wire) => _wire = wire;

    /// <summary>Waits until a descriptor accepts bytes or has some, or has an error.</summary>
    /// <exception cref="ObjectDisposedException">The handle is disposed.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EMFILE"/>: no descriptor left to wait with.</exception>
    internal static async Task WaitAsync(SystemWire wire, SafeHandle handle, bool forWriting, bool isOurs, CancellationToken cancellationToken)
    {
        var waiter = s_instances.GetValue(wire, static wire => new(wire)).Add(handle, forWriting, isOurs);
        using (cancellationToken.UnsafeRegister(static (waiter, token) => ((ReadinessWaiter)waiter!).Cancel(token), waiter))
        {
            await waiter.Task.ConfigureAwait(false);
        }
    }

    /// <summary>Makes the thread check its waiters again. If that fails, it checks them at the next event.</summary>
    internal void Wake()
    {
        lock (_lock)
        {
            _ = TryWake();
        }
    }

    private ReadinessWaiter Add(SafeHandle handle, bool forWriting, bool isOurs)
    {
        var waiter = new ReadinessWaiter(this, handle, forWriting, isOurs);
        var isWaiting = false;
        waiter.Hold();
        try
        {
            lock (_lock)
            {
                if (_writer is null)
                {
                    Start();
                }

                SystemCalls.Check(TryWake(), "write");
                _arrivals.Add(waiter);
                isWaiting = true;
            }

            return waiter;
        }
        finally
        {
            if (!isWaiting)
            {
                waiter.LetGo();
            }
        }
    }

    private Errno TryWake()
    {
        if (_writer is null || _isWoken)
        {
            return default;
        }

        var error = _wire.WriteTo(_writer, [1], out _);
        _isWoken = error.IsSuccess;
        return error;
    }

    private void Start()
    {
        _wire.OpenPipe(out var reader, out var writer);
        _writer = writer;
        _isWoken = false;
        try
        {
            new Thread(() => Run(reader), maxStackSize: 256 << 10) { IsBackground = true, Name = "Posix.SharedMemory: waits" }.UnsafeStart();
        }
        catch
        {
            _writer = null;
            reader.Dispose();
            writer.Dispose();
            throw;
        }
    }

    private void Run(SafeFileHandle reader)
    {
        var waiters = new List<ReadinessWaiter>();
        try
        {
            var descriptors = new Readiness[8];
            var last = 1;
            while (!Gather(reader, waiters, mayEnd: last == 0))
            {
                var polled = Enter(waiters, reader, ref descriptors);
                var limit = waiters.Count == 0 ? Linger : waiters.Exists(waiter => waiter.MayBeDisposed) ? Look : -1;
                SystemCalls.Check(_wire.Wait(polled, limit), "poll");
                last = Complete(waiters, polled) + waiters.Count + (polled[0].IsReady ? 1 : 0);
            }
        }
        catch (Exception e)
        {
            Fail(waiters, e);
        }
        finally
        {
            reader.Dispose();
        }
    }

    /// <summary>Takes the new waiters; the thread ends if there are none for the second time.</summary>
    private bool Gather(SafeFileHandle reader, List<ReadinessWaiter> waiters, bool mayEnd)
    {
        lock (_lock)
        {
            if (_isWoken)
            {
                SystemCalls.Check(_wire.ReadFrom(reader, stackalloc byte[1], out _), "read");
                _isWoken = false;
            }

            waiters.AddRange(_arrivals);
            _arrivals.Clear();
            if (!mayEnd || waiters.Count > 0)
            {
                return false;
            }

            _writer!.Dispose();
            _writer = null;
            return true;
        }
    }

    /// <summary>Lists the pipe and the sockets, each once, because sends on one socket wait for their turn: the kernel polls at most <c>RLIMIT_NOFILE</c>.</summary>
    private static Span<Readiness> Enter(List<ReadinessWaiter> waiters, SafeFileHandle reader, ref Readiness[] descriptors)
    {
        if (descriptors.Length <= waiters.Count)
        {
            descriptors = new Readiness[(waiters.Count + 1) * 2];
        }

        descriptors[0] = new((int)reader.DangerousGetHandle(), ForWriting: false);
        for (var at = 0; at < waiters.Count; at++)
        {
            descriptors[at + 1] = waiters[at].Readiness;
        }

        return descriptors.AsSpan(0, waiters.Count + 1);
    }

    /// <summary>Ends the waits that are over. Their sockets are released first, because a waiter may be disposing one at the moment.</summary>
    private static int Complete(List<ReadinessWaiter> waiters, ReadOnlySpan<Readiness> polled)
    {
        var over = new List<ReadinessWaiter>();
        for (var at = waiters.Count - 1; at >= 0; at--)
        {
            var waiter = waiters[at];
            if (polled[at + 1].IsReady || waiter.Task.IsCompleted)
            {
                waiter.LetGo();
                over.Add(waiter);
                waiters.RemoveAt(at);
            }
        }

        DropDisposed(waiters, over);
        foreach (var waiter in over)
        {
            _ = waiter.TrySetResult();
        }

        return over.Count;
    }

    /// <summary>Briefly releases all sockets: if its owner has disposed one, that was the last reference.</summary>
    private static void DropDisposed(List<ReadinessWaiter> waiters, List<ReadinessWaiter> over)
    {
        waiters.ForEach(waiter => waiter.LetGo());
        for (var at = waiters.Count - 1; at >= 0; at--)
        {
            try
            {
                waiters[at].Hold();
            }
            catch (ObjectDisposedException)
            {
                // The sender tries again and gets the same error.
                over.Add(waiters[at]);
                waiters.RemoveAt(at);
            }
        }
    }

    /// <summary>Fails all waits, and ends.</summary>
    private void Fail(List<ReadinessWaiter> waiters, Exception why)
    {
        lock (_lock)
        {
            waiters.AddRange(_arrivals);
            _arrivals.Clear();
            _writer?.Dispose();
            _writer = null;
        }

        waiters.ForEach(waiter => waiter.LetGo());
        waiters.ForEach(waiter => waiter.TrySetException(why));
    }
}
