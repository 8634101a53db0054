using Posix.SharedMemory.Inspection;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>Watches the directory of objects by inotify.</summary>
/// <remarks>
/// Not by <see cref="FileSystemWatcher"/>: it has names as strings, which cannot hold every name, and it reports from a thread
/// of its own, in an order that its caller does not decide.
/// </remarks>
internal sealed class LinuxDirectoryWatch : DirectoryWatch
{
    internal const uint Wanted = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

    /// <summary>The second half of a rename follows the first at once; only a reader that comes exactly between them has to wait for it.</summary>
    private static readonly TimeSpan s_untilSecondHalf = TimeSpan.FromMilliseconds(20);

    private readonly SystemCalls _calls;
    private readonly SafeFileHandle _inotify;
    private readonly SafeFileHandle _wakeReader;
    private readonly SafeFileHandle _wakeWriter;
    private readonly SystemWire _wire;
    private readonly CancellationTokenSource _disposed = new();
    private readonly byte[] _records = new byte[32 << 10];

    // The first half of a rename, until its second half is seen.
    private (uint Cookie, byte[] Name)? _moved;

    private LinuxDirectoryWatch(SystemCalls calls, SystemWire wire, SafeFileHandle inotify, SafeFileHandle wakeReader, SafeFileHandle wakeWriter)
    {
        _calls = calls;
        _wire = wire;
        _inotify = inotify;
        _wakeReader = wakeReader;
        _wakeWriter = wakeWriter;
    }

    /// <summary>Starts to watch.</summary>
    internal static LinuxDirectoryWatch Start(SystemCalls calls, SystemWire wire)
    {
        nint descriptor = calls.Fails(nameof(Libc.inotify_init1)) ? -1 : Libc.inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        Check(descriptor, nameof(Libc.inotify_init1));
        var inotify = new SafeFileHandle(descriptor, ownsHandle: true);
        LinuxDirectoryWatch? watch = null;
        try
        {
            var result = calls.OnBytes(nameof(Libc.inotify_add_watch), LinuxFiles.Directory, inotify, static (ref path, _, ref inotify) =>
                Libc.inotify_add_watch(inotify, ref path, Wanted));
            Check(result, "inotify_add_watch(/dev/shm)");
            Pipes.Open(calls, O_CLOEXEC | O_NONBLOCK, out var reader, out var writer);
            return watch = new(calls, wire, inotify, reader, writer);
        }
        finally
        {
            if (watch is null)
            {
                inotify.Dispose();
            }
        }
    }

    internal override bool Read(TimeSpan timeout, Queue<SharedMemoryChange> changes, CancellationToken cancellationToken)
    {
        // A byte that comes too late would end the next wait: then it is taken out, and that wait goes on.
        using var registration = cancellationToken.UnsafeRegister(static watch => ((LinuxDirectoryWatch)watch!).Wake(), this);
        var before = changes.Count;
        WaitForEither(_inotify, _wakeReader, _moved is null ? timeout : s_untilSecondHalf, out var isAwaken);
        if (isAwaken)
        {
            TakeByte(_wakeReader);
            cancellationToken.ThrowIfCancellationRequested();
        }

        Take(changes);
        return changes.Count > before;
    }

    internal override async Task WaitAsync(CancellationToken cancellationToken)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disposed.Token);
        if (_moved is not null)
        {
            linked.CancelAfter(s_untilSecondHalf);
        }

        try
        {
            await ReadinessThread.WaitAsync(_wire, _inotify, forWriting: false, isOurs: true, linked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // By the caller, or by disposal, which the watcher looks at next; or the second half of a rename has not come in its time.
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    internal override void Take(Queue<SharedMemoryChange> changes)
    {
        var filled = ReadEvents(_inotify, _records);
        for (var at = 0; at < filled;)
        {
            var record = _records.AsSpan(at, filled - at);
            var length = (int)BinaryPrimitives.ReadUInt32LittleEndian(record[LinuxInotifyEvent.len..]);
            Add(
                (int)BinaryPrimitives.ReadUInt32LittleEndian(record[LinuxInotifyEvent.mask..]),
                BinaryPrimitives.ReadUInt32LittleEndian(record[LinuxInotifyEvent.cookie..]),
                record.Slice(LinuxInotifyEvent.Size, length),
                changes);
            at += LinuxInotifyEvent.Size + length;
        }

        if (filled == 0)
        {
            // Its second half never came: the object went to another directory.
            FinishMove(changes);
        }
    }

    public override void Dispose()
    {
        _inotify.Dispose();
        // The wait that has begun lets go of the descriptor.
        _disposed.Cancel();
        _disposed.Dispose();
        _wakeWriter.Dispose();
        _wakeReader.Dispose();
    }

    private void Wake()
    {
        try
        {
            _ = _calls.OnBytes(nameof(Libc.write), [0], _wakeWriter, static (ref bytes, length, ref writer) => Libc.write(writer, ref bytes, length));
        }
        catch (ObjectDisposedException)
        {
            // Disposing has ended the wait already; a cancellation that comes now has no wait to end.
        }
    }

    private void Add(int mask, uint cookie, ReadOnlySpan<byte> padded, Queue<SharedMemoryChange> changes)
    {
        if ((mask & (IN_UNMOUNT | IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) != 0)
        {
            throw new SharedMemoryException(Errno.ENODEV, "inotify", detail: "the directory of objects is gone");
        }

        if ((mask & IN_Q_OVERFLOW) != 0)
        {
            _moved = null;
            changes.Enqueue(new(SharedMemoryChangeKind.Missed, default, default));
            return;
        }

        var name = padded[..(padded.IndexOf((byte)0) is var end and >= 0 ? end : padded.Length)];
        if ((mask & IN_MOVED_TO) != 0 && _moved is { } moved && moved.Cookie == cookie)
        {
            _moved = null;
            if (IsObject(mask, name))
            {
                changes.Enqueue(new(SharedMemoryChangeKind.Renamed, name.ToArray(), moved.Name));
            }
            else
            {
                changes.Enqueue(new(SharedMemoryChangeKind.Removed, moved.Name, default));
            }

            return;
        }

        FinishMove(changes);
        if (!IsObject(mask, name))
        {
            return;
        }

        if ((mask & IN_MOVED_FROM) != 0)
        {
            _moved = (cookie, name.ToArray());
            return;
        }

        changes.Enqueue(new((mask & IN_DELETE) != 0 ? SharedMemoryChangeKind.Removed : SharedMemoryChangeKind.Added, name.ToArray(), default));
    }

    private void FinishMove(Queue<SharedMemoryChange> changes)
    {
        if (_moved is { } moved)
        {
            _moved = null;
            changes.Enqueue(new(SharedMemoryChangeKind.Removed, moved.Name, default));
        }
    }

    // Directories and POSIX semaphores are none. What else is none cannot be told from a name that is gone by now.
    private static bool IsObject(int mask, ReadOnlySpan<byte> name) => (mask & IN_ISDIR) == 0 && !name.IsEmpty && !name.StartsWith("sem."u8);

    /// <summary>Waits until one of two descriptors has something to read, or the time is over.</summary>
    private void WaitForEither(SafeFileHandle first, SafeFileHandle second, TimeSpan timeout, out bool isSecond)
    {
        using var one = new PinnedDescriptor(first);
        using var two = new PinnedDescriptor(second);
        Span<PollDescriptor> descriptors = [new() { fd = one.Number, events = POLLIN }, new() { fd = two.Number, events = POLLIN }];
        var milliseconds = timeout < TimeSpan.Zero ? -1 : (int)Math.Min(Math.Ceiling(timeout.TotalMilliseconds), int.MaxValue);
        // An interrupted wait counts as one that is over: the caller checks the clock and waits again.
        nint result = _calls.Fails(nameof(Libc.poll)) ? -1 : Libc.poll(ref MemoryMarshal.AsBytes(descriptors)[0], 2, milliseconds);
        if (!IsInterrupted(result))
        {
            Check(result, nameof(Libc.poll));
        }

        isSecond = result > 0 && descriptors[1].revents != 0;
    }

    /// <summary>Takes the whole records there are, without waiting.</summary>
    /// <returns>How many bytes; 0 where there is none.</returns>
    private int ReadEvents(SafeFileHandle inotify, Span<byte> records)
    {
        var result = _calls.OnBytes(nameof(Libc.read), records, inotify, static (ref bytes, length, ref inotify) => Libc.read(inotify, ref bytes, length));
        if (ErrorOf(result) == Errno.EAGAIN)
        {
            return 0;
        }

        Check(result, "read(inotify)");
        return (int)result;
    }

    /// <summary>Empties a pipe by one byte.</summary>
    private void TakeByte(SafeFileHandle pipe)
    {
        Span<byte> one = stackalloc byte[1];
        _ = ReadEvents(pipe, one);
    }
}
