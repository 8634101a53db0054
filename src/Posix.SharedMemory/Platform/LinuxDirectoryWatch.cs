using Posix.SharedMemory.Inspection;
using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;

namespace Posix.SharedMemory;

/// <summary>Watches the directory of objects by inotify.</summary>
/// <remarks>
/// Not by <see cref="FileSystemWatcher"/>: it has names as strings, which some names do not fit into, and tells from a thread
/// of its own, in an order that its caller does not decide.
/// </remarks>
internal sealed class LinuxDirectoryWatch : DirectoryWatch
{
    internal const uint Wanted = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

    /// <summary>The second half of a rename follows the first at once; only a reader that comes exactly between them has to wait for it.</summary>
    private static readonly TimeSpan s_untilSecondHalf = TimeSpan.FromMilliseconds(20);

    private readonly LinuxPlatform _platform;
    private readonly SafeFileHandle _inotify;
    private readonly SafeFileHandle _wakeReader;
    private readonly SafeFileHandle _wakeWriter;
    private readonly byte[] _records = new byte[32 << 10];

    // The first half of a rename, until its second half is seen.
    private (uint Cookie, byte[] Name)? _moved;

    internal LinuxDirectoryWatch(LinuxPlatform platform, SafeFileHandle inotify, SafeFileHandle wakeReader, SafeFileHandle wakeWriter)
    {
        _platform = platform;
        _inotify = inotify;
        _wakeReader = wakeReader;
        _wakeWriter = wakeWriter;
    }

    internal override bool Read(TimeSpan timeout, Queue<SharedMemoryChange> changes, CancellationToken cancellationToken)
    {
        // A byte that comes too late would end the next wait: then it is taken out, and that wait goes on.
        using var registration = cancellationToken.UnsafeRegister(static watch => ((LinuxDirectoryWatch)watch!).Wake(), this);
        var before = changes.Count;
        _platform.WaitForEither(_inotify, _wakeReader, _moved is null ? timeout : s_untilSecondHalf, out var isAwaken);
        if (isAwaken)
        {
            _platform.TakeByte(_wakeReader);
            cancellationToken.ThrowIfCancellationRequested();
        }

        var filled = _platform.ReadEvents(_inotify, _records);
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

        return changes.Count > before;
    }

    public override void Dispose()
    {
        _inotify.Dispose();
        _wakeWriter.Dispose();
        _wakeReader.Dispose();
    }

    private void Wake()
    {
        try
        {
            _ = _platform.WriteTo(_wakeWriter, [0], out _);
        }
        catch (ObjectDisposedException)
        {
            // Disposing has ended the wait already; whoever cancels now has nobody to wake.
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
}
