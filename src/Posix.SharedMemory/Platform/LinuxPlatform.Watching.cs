using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

// What happens to names, as the kernel tells it: inotify.
internal partial class LinuxPlatform
{
    internal override unsafe DirectoryWatch WatchDirectory()
    {
        nint descriptor = Fails(nameof(Libc.inotify_init1)) ? -1 : Libc.inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        Check(descriptor, nameof(Libc.inotify_init1), default);
        var inotify = new SafeFileHandle(descriptor, ownsHandle: true);
        LinuxDirectoryWatch? watch = null;
        try
        {
            // SAFETY: a literal is pinned by its nature and ends with a NUL.
            fixed (byte* path = DirectoryPath)
            {
                nint result = Fails(nameof(Libc.inotify_add_watch)) ? -1 : Libc.inotify_add_watch(inotify, path, LinuxDirectoryWatch.Wanted);
                Check(result, "inotify_add_watch(/dev/shm)", default);
            }

            OpenPipe(O_CLOEXEC | O_NONBLOCK, out var reader, out var writer);
            return watch = new(this, inotify, reader, writer);
        }
        finally
        {
            if (watch is null)
            {
                inotify.Dispose();
            }
        }
    }

    /// <summary>Waits until one of two descriptors has something to read, or the time is over.</summary>
    internal void WaitForEither(SafeFileHandle first, SafeFileHandle second, TimeSpan timeout, out bool isSecond)
    {
        bool isFirstPinned = false, isSecondPinned = false;
        try
        {
            first.DangerousAddRef(ref isFirstPinned);
            second.DangerousAddRef(ref isSecondPinned);
            Span<PollDescriptor> descriptors =
            [
                new() { fd = (int)first.DangerousGetHandle(), events = POLLIN },
                new() { fd = (int)second.DangerousGetHandle(), events = POLLIN },
            ];
            var milliseconds = timeout < TimeSpan.Zero ? -1 : (int)Math.Min(Math.Ceiling(timeout.TotalMilliseconds), int.MaxValue);
            // An interrupted wait counts as one that is over: whoever waits looks at the clock and waits again.
            nint result = Fails(nameof(Libc.poll)) ? -1 : Libc.poll(ref descriptors[0], 2, milliseconds);
            if (!IsInterrupted(result))
            {
                Check(result, nameof(Libc.poll), default);
            }

            isSecond = result > 0 && descriptors[1].revents != 0;
        }
        finally
        {
            if (isFirstPinned)
            {
                first.DangerousRelease();
            }

            if (isSecondPinned)
            {
                second.DangerousRelease();
            }
        }
    }

    /// <summary>Takes the whole records there are, without waiting.</summary>
    /// <returns>How many bytes; 0 where there is none.</returns>
    internal unsafe int ReadEvents(SafeFileHandle inotify, Span<byte> records)
    {
        nint result;
        do
        {
            // SAFETY: the span is pinned for the length of the call and the kernel writes at most its length.
            fixed (byte* buffer = records)
            {
                result = Fails(nameof(Libc.read)) ? -1 : Libc.read(inotify, buffer, (nuint)records.Length);
            }
        }
        while (IsInterrupted(result));
        if (ErrorOf(result) == Errno.EAGAIN)
        {
            return 0;
        }

        Check(result, "read(inotify)", default);
        return (int)result;
    }

    /// <summary>Empties a pipe by one byte.</summary>
    internal void TakeByte(SafeFileHandle pipe)
    {
        Span<byte> one = stackalloc byte[1];
        _ = ReadEvents(pipe, one);
    }
}
