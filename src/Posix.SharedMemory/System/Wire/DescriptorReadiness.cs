using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>Waits for descriptors: full sockets that are to take bytes again, or others that are to have some. One thread, which exists while something waits, sits in <c>poll</c> for all of them.</summary>
/// <remarks>
/// The base library waits for room in a socket only together with bytes to send, and descriptors must go with the first of those.
/// While a socket is polled it is held open, and <c>Socket.Dispose</c> waits until it is released. It shuts the socket down first, which ends the poll, but not
/// one that children inherit or that another owner has: so the thread releases all of them for an instant, ten times a second.
/// </remarks>
internal sealed class DescriptorReadiness
{
    /// <summary>How many milliseconds the thread stays when nothing waits any more: a sender that met a full socket meets more.</summary>
    private const int Linger = 100;

    /// <summary>How many milliseconds a socket is held without a check of whether it was disposed.</summary>
    private const int Look = 100;

    private const int WithoutLimit = -1;

    private static readonly ConditionalWeakTable<SystemWire, DescriptorReadiness> s_instances = [];

    private readonly SystemWire _wire;
    private readonly Lock _lock = new();
    private readonly List<DescriptorWaiter> _arrivals = [];

    /// <summary>The pipe by which the thread is woken; it exists while the thread does, and contains a byte while <see cref="_isWoken"/>.</summary>
    private SafeFileHandle? _writer;
    private bool _isWoken;

    private DescriptorReadiness(SystemWire wire) => _wire = wire;

    /// <summary>Waits until a socket takes bytes, or has an error to report.</summary>
    /// <exception cref="ObjectDisposedException">The socket is disposed.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EMFILE"/>: no descriptor left to wait with.</exception>
    internal static Task WaitForRoomAsync(SystemWire wire, SafeHandle socket, CancellationToken cancellationToken) =>
        WaitAsync(wire, socket, forWriting: true, cancellationToken);

    /// <summary>Waits until a descriptor has bytes to read. No other code may dispose it meanwhile: the wait costs no time until then.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EMFILE"/>: no descriptor left to wait with.</exception>
    internal static Task WaitForBytesAsync(SystemWire wire, SafeHandle descriptor, CancellationToken cancellationToken) =>
        WaitAsync(wire, descriptor, forWriting: false, cancellationToken);

    private static async Task WaitAsync(SystemWire wire, SafeHandle handle, bool forWriting, CancellationToken cancellationToken)
    {
        var waiter = s_instances.GetValue(wire, static wire => new(wire)).Add(handle, forWriting);
        using (cancellationToken.UnsafeRegister(static (waiter, token) => ((DescriptorWaiter)waiter!).Cancel(token), waiter))
        {
            await waiter.Task.ConfigureAwait(false);
        }
    }

    /// <summary>Makes the thread check the waits again. If it cannot be reached, it checks them when the next thing happens.</summary>
    internal void Wake()
    {
        lock (_lock)
        {
            _ = TryWake();
        }
    }

    private DescriptorWaiter Add(SafeHandle handle, bool forWriting)
    {
        var waiter = new DescriptorWaiter(this, handle, forWriting);
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

                SharedMemoryException.ThrowIfFailed(TryWake(), "write");
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
            new Thread(() => Run(reader), maxStackSize: 256 << 10) { IsBackground = true, Name = "Posix.SharedMemory: waiting" }.UnsafeStart();
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
        var waiters = new List<DescriptorWaiter>();
        try
        {
            var descriptors = new Readiness[8];
            var last = 1;
            while (!Gather(reader, waiters, mayEnd: last == 0))
            {
                var polled = Enter(waiters, reader, ref descriptors);
                var limit = waiters.Count == 0 ? Linger : waiters.Exists(static waiter => waiter.ForWriting) ? Look : WithoutLimit;
                SharedMemoryException.ThrowIfFailed(_wire.Wait(polled, limit), "poll");
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

    /// <summary>Takes in new waits; the thread ends if there are none, for the second time.</summary>
    private bool Gather(SafeFileHandle reader, List<DescriptorWaiter> waiters, bool mayEnd)
    {
        lock (_lock)
        {
            if (_isWoken)
            {
                SharedMemoryException.ThrowIfFailed(_wire.ReadFrom(reader, stackalloc byte[1], out _), "read");
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

    /// <summary>Enters the pipe and the descriptors. Each occurs once, since sends on one socket wait for their turn: the kernel polls no more than <c>RLIMIT_NOFILE</c>.</summary>
    private static Span<Readiness> Enter(List<DescriptorWaiter> waiters, SafeFileHandle reader, ref Readiness[] descriptors)
    {
        if (descriptors.Length <= waiters.Count)
        {
            descriptors = new Readiness[(waiters.Count + 1) * 2];
        }

        descriptors[0] = new((int)reader.DangerousGetHandle(), ForWriting: false);
        for (var at = 0; at < waiters.Count; at++)
        {
            descriptors[at + 1] = new(waiters[at].Descriptor, waiters[at].ForWriting);
        }

        return descriptors.AsSpan(0, waiters.Count + 1);
    }

    /// <summary>Ends the waits that are over. Their descriptors are released first: the waiting code may be just disposing one.</summary>
    private static int Complete(List<DescriptorWaiter> waiters, ReadOnlySpan<Readiness> polled)
    {
        var over = new List<DescriptorWaiter>();
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

    /// <summary>Releases all descriptors for an instant: for one that its owner has disposed, that was the last reference.</summary>
    private static void DropDisposed(List<DescriptorWaiter> waiters, List<DescriptorWaiter> over)
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
                // The sender tries again and gets the same exception.
                over.Add(waiters[at]);
                waiters.RemoveAt(at);
            }
        }
    }

    /// <summary>Fails all waits, and ends.</summary>
    private void Fail(List<DescriptorWaiter> waiters, Exception why)
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
