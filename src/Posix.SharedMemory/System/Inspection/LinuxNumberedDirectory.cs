using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Text.Unicode;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>Reads directories in /proc whose entries are numbers, such as those of processes, threads and descriptors, without making strings of them.</summary>
internal sealed class LinuxNumberedDirectory(SystemCalls calls, LinuxFiles files)
{
    private readonly byte[] _records = new byte[32 << 10];
    private readonly List<int> _numbers = [];

    /// <summary>Returns whether an error says that a process, a thread or a descriptor does not exist any more.</summary>
    internal static bool IsGone(Errno error)
    {
        const Errno ESRCH = (Errno)3;
        return error is Errno.ENOENT or ESRCH;
    }

    /// <summary>Adds the numbers in a directory to a list.</summary>
    internal Errno List(ReadOnlySpan<byte> path, List<int> numbers)
    {
        var error = files.Open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, UnixFileMode.None, out var directory);
        using (directory)
        {
            return directory is null ? error : List(directory, numbers);
        }
    }

    /// <summary>Lists the threads of a process; none where it is gone or hidden.</summary>
    internal List<int> ThreadsOf(int processId)
    {
        Span<byte> path = stackalloc byte[LinuxProcess.PathBytes];
        Utf8.TryWrite(path, CultureInfo.InvariantCulture, $"/proc/{processId}/task\0", out _);
        var threads = new List<int>();
        _ = List(path, threads);
        return threads;
    }

    /// <summary>Examines what the links in a directory, which are named by numbers, stand for. Only regular files are of interest.</summary>
    /// <returns>Whether all of them could be examined; those that are gone meanwhile do not count.</returns>
    internal bool Examine(ReadOnlySpan<byte> path, Action<int, LinuxStatx> found)
    {
        _ = files.Open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, UnixFileMode.None, out var directory);
        if (directory is null)
        {
            return false;
        }

        using (directory)
        {
            _numbers.Clear();
            var isRead = List(directory, _numbers).IsSuccess;
            Span<byte> name = stackalloc byte[12];
            foreach (var number in _numbers)
            {
                name.Clear();
                _ = number.TryFormat(name, out _, provider: CultureInfo.InvariantCulture);
                var error = files.StatIn(directory, name, STATX_BASIC_STATS, out var statx);
                if (error == Errno.EACCES)
                {
                    // This user may not follow any of them.
                    return false;
                }

                if (!error.IsSuccess)
                {
                    isRead &= IsGone(error);
                }
                else if (LinuxFiles.IsRegularFile(statx))
                {
                    found(number, statx);
                }
            }

            return isRead;
        }
    }

    private Errno List(SafeFileHandle directory, List<int> numbers)
    {
        while (true)
        {
            var result = calls.OnBytes(nameof(Libc.getdents64), _records, directory, static (ref records, length, ref directory) =>
                Libc.getdents64(SYS_getdents64, directory, ref records, (nint)length));
            if (result <= 0)
            {
                return ErrorOf(result);
            }

            for (var at = 0; at < result; at += BinaryPrimitives.ReadUInt16LittleEndian(_records.AsSpan(at + LinuxDirent64.d_reclen)))
            {
                var name = _records.AsSpan(at + LinuxDirent64.d_name);
                if (Utf8Parser.TryParse(name, out int number, out var digits) && name[digits] == 0)
                {
                    numbers.Add(number);
                }
            }
        }
    }
}
