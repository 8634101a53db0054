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
    // What a record says about the entry's type.
    private const byte UnknownType = 0, RegularFile = 8, SymbolicLink = 10;

    /// <summary>Lists the regular files in a directory, whatever bytes their names consist of.</summary>
    internal IEnumerable<ObjectName> List(byte[] directoryPath) => List(directoryPath, RegularFile);

    /// <summary>Lists the symbolic links in a directory; where the file system does not report types, everything.</summary>
    internal IEnumerable<ObjectName> ListLinks(byte[] directoryPath) => List(directoryPath, SymbolicLink);

    private IEnumerable<ObjectName> List(byte[] directoryPath, byte type)
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
                    var name = NameIn(records.AsSpan(at), type);
                    if (!name.IsNone)
                    {
                        yield return name;
                    }
                }
            }
        }
    }

    /// <summary>The name in a record; none for what is of another type and for POSIX semaphores, which are in that directory too.</summary>
    private static ObjectName NameIn(ReadOnlySpan<byte> record, byte type)
    {
        var name = record[LinuxDirent64.d_name..];
        name = name[..name.IndexOf((byte)0)];
        var found = record[LinuxDirent64.d_type];
        return (found == UnknownType || found == type) && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8)
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
