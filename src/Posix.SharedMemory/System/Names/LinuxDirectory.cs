using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>Linux: reads a directory by <c>getdents64</c>, which returns names as bytes, and says which entries are regular files.</summary>
internal readonly struct LinuxDirectory(SystemCalls calls, LinuxFiles files)
{
    /// <summary>Lists the regular files in a directory, whatever bytes their names consist of.</summary>
    internal IEnumerable<ObjectName> List(byte[] directoryPath)
    {
        var error = files.Open(directoryPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC, UnixFileMode.None, out var directory);
        if (directory is null)
        {
            throw SystemCalls.FailureOf(error, $"open({Encoding.UTF8.GetString(directoryPath).TrimEnd('\0')})");
        }

        using (directory)
        {
            var records = new byte[32 << 10];
            while (ReadRecords(directory, records) is var filled and > 0)
            {
                for (var at = 0; at < filled; at += BinaryPrimitives.ReadUInt16LittleEndian(records.AsSpan(at + LinuxDirent64.d_reclen)))
                {
                    var name = NameIn(records.AsSpan(at));
                    if (!name.IsNone)
                    {
                        yield return name;
                    }
                }
            }
        }
    }

    /// <summary>The name in a record; none for what is not a regular file and for POSIX semaphores, which are in that directory too.</summary>
    private static ObjectName NameIn(ReadOnlySpan<byte> record)
    {
        const byte Unknown = 0, RegularFile = 8;
        var name = record[LinuxDirent64.d_name..];
        name = name[..name.IndexOf((byte)0)];
        return record[LinuxDirent64.d_type] is Unknown or RegularFile && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8)
            && !name.StartsWith("sem."u8)
                ? ObjectName.FromSystem(name)
                : default;
    }

    private int ReadRecords(SafeFileHandle directory, byte[] records)
    {
        var result = calls.OnBytes(nameof(Libc.getdents64), records, directory, static (ref records, length, ref directory) =>
            Libc.getdents64(SYS_getdents64, directory, ref records, (nint)length));
        Check(result, nameof(Libc.getdents64));
        return (int)result;
    }
}
