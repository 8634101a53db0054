using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>Watches one name by inotify: the directory for the name, and the object that has it for its length.</summary>
internal sealed class LinuxNameWatch : NameWatch
{
    /// <summary>What puts an object under a name. Of what is written to other objects the directory's watch reports nothing.</summary>
    private const uint Arrivals = IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_ONLYDIR;

    /// <summary>What changes a length or takes a name away: unlinking changes the number of names, which is an attribute.</summary>
    private const uint Changes = IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_DONT_FOLLOW;

    private readonly SystemCalls _calls;
    private readonly byte[] _name;
    private readonly byte[] _path;
    private readonly byte[] _records = new byte[4 << 10];
    private int _directory;

    private LinuxNameWatch(SystemCalls calls, SafeFileHandle inotify, in ObjectName name)
    {
        _calls = calls;
        Handle = inotify;
        _name = name.ToArray();
        _path = [.. LinuxFiles.Directory[..^1], (byte)'/', .. _name, 0];
    }

    internal override SafeFileHandle Handle { get; }

    /// <returns><see langword="null"/> where the kernel has no instance or watch left for this user, or a filter forbids it.</returns>
    internal static LinuxNameWatch? Start(SystemCalls calls, in ObjectName name)
    {
        nint descriptor = calls.Fails(nameof(Libc.inotify_init1)) ? -1 : Libc.inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (descriptor == -1)
        {
            return null;
        }

        var watch = new LinuxNameWatch(calls, new(descriptor, ownsHandle: true), name);
        watch._directory = watch.Add(LinuxFiles.Directory, Arrivals);
        if (watch._directory != -1)
        {
            return watch;
        }

        watch.Dispose();
        return null;
    }

    internal override bool Follow() => Add(_path, Changes) is var watch && (watch != -1 || ErrorOf(watch) == Errno.ENOENT);

    internal override bool Read()
    {
        var concerns = false;
        while (true)
        {
            var result = _calls.OnBytes(nameof(Libc.read), _records, Handle, static (ref bytes, length, ref inotify) => Libc.read(inotify, ref bytes, length));
            if (result == -1 && ErrorOf(result) == Errno.EAGAIN)
            {
                return concerns;
            }

            Check(result, "read(inotify)");
            for (var at = 0; at < (int)result;)
            {
                var record = _records.AsSpan(at);
                var length = (int)BinaryPrimitives.ReadUInt32LittleEndian(record[LinuxInotifyEvent.len..]);
                concerns |= Concerns(record, record.Slice(LinuxInotifyEvent.Size, length));
                at += LinuxInotifyEvent.Size + length;
            }
        }
    }

    public override void Dispose() => Handle.Dispose();

    private int Add(ReadOnlySpan<byte> path, uint mask) => (int)_calls.OnBytes(
        nameof(Libc.inotify_add_watch), path, (Handle, mask), static (ref path, _, ref a) => Libc.inotify_add_watch(a.Handle, ref path, a.mask));

    /// <summary>Whatever the object's own watch reports does, and so does all that is lost; of the directory, what names this name.</summary>
    private bool Concerns(ReadOnlySpan<byte> record, ReadOnlySpan<byte> padded)
    {
        var mask = BinaryPrimitives.ReadUInt32LittleEndian(record[LinuxInotifyEvent.mask..]);
        var isDirectory = BinaryPrimitives.ReadInt32LittleEndian(record[LinuxInotifyEvent.wd..]) == _directory;
        if (isDirectory && (mask & (IN_DELETE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0)
        {
            throw new SharedMemoryException(Errno.ENODEV, "inotify", detail: "/dev/shm is gone");
        }

        return !isDirectory || padded.TrimEnd((byte)0).SequenceEqual(_name);
    }
}
